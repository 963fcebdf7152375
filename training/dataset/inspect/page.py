"""An analysis as files for people: a page, its pictures, and the list of duplicates."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ferstream.streams.service.atomic_file import make_folder
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.contact_sheet import Picture, filled, sheet
from ferstream.training.common.html_page import Page
from ferstream.training.common.json_file import write_bytes, write_json
from ferstream.training.dataset.inspect import charts
from ferstream.training.dataset.inspect import page_tables as tables
from ferstream.training.dataset.inspect.analysis import Analysis
from ferstream.training.dataset.inspect.collector import EXAMPLES
from ferstream.training.dataset.inspect.duplicate_sheets import duplicate_pictures
from ferstream.training.dataset.inspect.findings import findings
from ferstream.training.dataset.inspect.observation import THUMBNAIL
from ferstream.training.dataset.inspect.output_folder import DUPLICATES, PAGE, REPORT, check_folder, clear
from ferstream.training.dataset.inspect.picture_statistics import PictureStatistics
from ferstream.training.dataset.inspect.report import counts_by_split, duplicates_csv, report


def write_analysis(analysis: Analysis, folder: Path) -> Path:
    """Write index.html, report.json, duplicates.csv and the PNGs of the page, in place of those of an earlier inspection.

    Returns the page. Raises WriteError, InspectionFolderError.
    """
    check_folder(folder)
    make_folder(folder)
    clear(folder)
    write_json(folder / REPORT, report(analysis))
    write_bytes(folder / DUPLICATES, duplicates_csv(analysis))
    return _Writer(analysis, folder).page()


class _Writer:
    """The page, section by section."""

    def __init__(self, analysis: Analysis, folder: Path) -> None:
        self._analysis, self._folder = analysis, folder
        self._page = Page(f"Dataset: {', '.join(analysis.names)}")

    def page(self) -> Path:
        self._summary()
        self._counts()
        self._duplicates()
        self._samples()
        self._pictures()
        self._left_out()
        self._people()
        return self._page.write(self._folder / PAGE)

    def _figure(self, name: str, png: bytes, caption: str) -> None:
        write_bytes(self._folder / f"{name}.png", png)
        self._page.figure(png, caption)

    def _summary(self) -> None:
        self._page.section("In short")
        self._page.text("What to know before training on it:")
        self._page.items(findings(self._analysis))
        self._page.table(*tables.source_table(self._analysis))

    def _counts(self) -> None:
        self._page.section("Classes")
        caption = (
            "Pictures of each class. Red and hatched: under the mean (dashed). Green: the mean or more. "
            "The mean is over the classes that have pictures in any split."
        )
        self._figure("counts", charts.counts_chart(counts_by_split(self._analysis.all)), caption)
        if len(self._analysis.names) > 1:
            for name, stats in self._by_source():
                self._page.heading(name)
                self._figure(f"counts-{_file(name)}", charts.counts_chart(counts_by_split(stats)), f"Pictures of {name}.")
            self._page.heading("In numbers")
        self._page.table(*tables.counts_table(self._analysis))

    def _samples(self) -> None:
        self._page.section("Samples")
        for (name, stats), examples in zip(self._by_source(), self._analysis.examples, strict=True):
            faces: list[Picture | None] = [face for drawn in examples for face in filled(drawn, EXAMPLES, None)]
            self._page.heading(name)
            counts = [f"{emotion}\n{int(n):,}" for emotion, n in zip(EMOTIONS, stats.counts.sum(axis=0), strict=True)]
            self._figure(
                f"samples-{_file(name)}",
                sheet(faces, [""] * len(faces), EXAMPLES, THUMBNAIL, counts),
                f"Up to {EXAMPLES} pictures of each class of {name}, drawn at random. An empty row is a class it does not have.",
            )
        self._page.heading("Mean faces")
        means = [_mean_faces(stats) for _, stats in self._by_source()]
        labels = [emotion if face is not None else "" for faces in means for emotion, face in zip(EMOTIONS, faces, strict=True)]
        self._figure(
            "mean-faces",
            sheet([face for faces in means for face in faces], labels, len(EMOTIONS), 96, list(self._analysis.names)),
            "The mean of each class. Sharp means: faces are cut and turned alike. Blurred ones: they are not.",
        )

    def _pictures(self) -> None:
        page, every = self._page, self._analysis.all
        page.section("Pictures")
        page.heading("Sizes")
        if len(every.sizes) > 2:
            self._figure(
                "sizes",
                charts.sizes_chart(every.sizes),
                "Sizes of the faces as they are cut; whole pictures where no box is given.",
            )
        page.table(*tables.size_table(self._analysis))
        page.heading("How they are stored")
        page.table(*tables.storage_table(self._analysis))
        page.heading("Values")
        page.text("Mean and standard deviation of each channel, from 0 to 1, over all pixels.")
        page.table(*tables.value_table(self._analysis))
        brightness = {name: stats.brightness for name, stats in self._by_source()}
        self._figure("brightness", charts.brightness_chart(brightness), "How bright the pictures of each source are.")

    def _duplicates(self) -> None:
        analysis, page = self._analysis, self._page
        page.section("Duplicates")
        page.text(
            "Exact duplicates have the same pixels. Near ones have perceptual hashes that differ in at most "
            f"{analysis.distance} of 256 bits, directly or through others between them: the same photograph saved anew, "
            f"smaller or brighter, or neighbours in one film. {DUPLICATES} lists them all."
        )
        page.table(*tables.duplicate_table(analysis))
        for picture in duplicate_pictures(analysis):
            page.heading(picture.title)
            self._figure(picture.name, picture.png, picture.caption)

    def _left_out(self) -> None:
        self._page.section("Left out")
        head, rows = tables.left_out_table(self._analysis)
        if rows:
            self._page.table(head, rows)
        else:
            self._page.text("Nothing: every picture can be read and has an emotion.")

    def _people(self) -> None:
        found = [table for table in (tables.people_table(self._analysis), tables.group_table(self._analysis)) if table[1]]
        if found:
            self._page.section("People")
        for table in found:
            self._page.table(*table)

    def _by_source(self) -> Iterator[tuple[str, PictureStatistics]]:
        yield from zip(self._analysis.names, self._analysis.statistics, strict=True)


def _file(name: str) -> str:
    """A source's name as part of a file's: `ck+` is `ck`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "source"


def _mean_faces(stats: PictureStatistics) -> list[Picture | None]:
    """By emotion; None where there is no picture of it."""
    counts = stats.counts.sum(axis=0)
    return [np.rint(total / count).astype(np.uint8) if count else None for total, count in zip(stats.icons, counts, strict=True)]
