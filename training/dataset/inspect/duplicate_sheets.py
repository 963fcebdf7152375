"""Duplicates as pictures: which sources and splits share them, and the groups that a researcher should look at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.contact_sheet import Picture, filled, sheet
from ferstream.training.dataset.inspect.analysis import Analysis
from ferstream.training.dataset.inspect.charts import shared_chart
from ferstream.training.dataset.inspect.duplicate_clusters import DuplicateClusters, Labels, varied
from ferstream.training.dataset.inspect.findings import split_name
from ferstream.training.dataset.inspect.observation import thumbnails
from ferstream.training.dataset.inspect.picture_statistics import ALL_SPLITS
from ferstream.training.sources.sample import Account, Sample

CLUSTERS, MEMBERS = 12, 8  # shown on a sheet
SIDE = 104
LETTERS = 10  # of a name that fit under a face


@dataclass(frozen=True, slots=True)
class DuplicatePicture:
    """A chart or contact sheet of duplicates: PNG, name of its file without the ending, heading, and caption."""

    name: str
    png: bytes
    title: str
    caption: str


class _Unsaid(Account):
    """An account that says nothing: what is wrong with a source was counted and said when it was first read."""

    def remark(self, what: str, where: str) -> None:
        pass

    def complain(self, reason: str, where: str) -> None:
        self.wrong[reason] += 1


def duplicate_pictures(analysis: Analysis) -> Iterator[DuplicatePicture]:
    """The chart of shared duplicates and the sheets of suspicious ones, none where there are no duplicates.

    Sources are read again for the faces.
    """
    if not len(analysis.near):
        return
    for kind, repeats in (("exact", analysis.exact), ("near", analysis.near)):
        caption = f"Groups of {kind} duplicates with a picture in both; on the diagonal, with several in one."
        png = shared_chart(_squares(analysis, repeats))
        yield DuplicatePicture(f"duplicates-{kind}", png, f"Where {kind} duplicates are", caption)
    chosen = list(_suspicious(analysis))
    labels = [analysis.rows.labels(column) for column in ("emotion", "split", "source")]
    shown = {c: varied(analysis.near.of_cluster(c), labels, MEMBERS) for _, _, clusters, _ in chosen for c in clusters}
    faces = _seen_again(analysis, np.unique(np.concatenate(list(shown.values()))))
    for name, title, clusters, count in chosen:
        caption = f"{len(clusters)} of {count:,} such groups, the largest first, up to {MEMBERS} pictures of each."
        yield DuplicatePicture(name, _cluster_sheet(analysis, {c: shown[c] for c in clusters}, faces), title, caption)


def _squares(analysis: Analysis, repeats: DuplicateClusters) -> dict[str, tuple[list[str], NDArray[np.int64]]]:
    """Clusters that sources share and that splits share, as squares of numbers for `shared_chart`."""
    rows = analysis.rows
    splits = np.flatnonzero(analysis.all.counts.any(axis=1))
    between = repeats.shared(rows.labels("split"), len(ALL_SPLITS))[np.ix_(splits, splits)]
    return {
        "Sources": (list(analysis.names), repeats.shared(rows.labels("source"), len(analysis.names))),
        "Splits": ([split_name(ALL_SPLITS[split]) for split in splits], between),
    }


def _suspicious(analysis: Analysis) -> Iterator[tuple[str, str, list[int], int]]:
    """Name, title, clusters and number of such clusters of each sheet that has something to show."""
    near, rows = analysis.near, analysis.rows
    labels = near.differing(rows.labels("emotion"), len(EMOTIONS))
    splits = near.differing(rows.labels("split"), len(ALL_SPLITS))
    others = np.setdiff1d(np.arange(len(near)), np.concatenate([labels, splits]))
    kinds = (
        ("duplicates-labels", "Duplicates with different labels", labels),
        ("duplicates-splits", "Duplicates in several splits", splits),
        ("duplicates-others", "Other duplicates", others),
    )
    for name, title, clusters in kinds:
        if len(clusters):
            largest = clusters[np.argsort(-near.sizes[clusters], kind="stable")][:CLUSTERS]
            yield name, title, largest.tolist(), len(clusters)


def _cluster_sheet(analysis: Analysis, shown: dict[int, Labels], faces: dict[int, Picture | None]) -> bytes:
    pictures = [face for places in shown.values() for face in filled([faces[int(place)] for place in places], MEMBERS, None)]
    captions = [text for places in shown.values() for text in filled([_caption(analysis, int(p)) for p in places], MEMBERS, "")]
    names = [f"group {cluster}\n{analysis.near.sizes[cluster]:,} pictures" for cluster in shown]
    return sheet(pictures, captions, MEMBERS, SIDE, names)


def _caption(analysis: Analysis, place: int) -> str:
    rows = analysis.rows
    where = f"{analysis.names[rows.source[place]]} {ALL_SPLITS[rows.split[place]]}"
    name = re.sub(r"\.(jpe?g|png)$", "", rows.origin[place], flags=re.IGNORECASE)
    end = name if len(name) <= LETTERS else f"…{name[-LETTERS:]}"  # what tells two pictures apart comes last
    return f"{EMOTIONS[rows.emotion[place]]}\n{where}\n{end}"


def _seen_again(analysis: Analysis, places: Labels) -> dict[int, Picture | None]:
    """The faces of pictures by their places."""
    rows = analysis.rows
    wanted = {(rows.part[place], rows.position[place]): place for place in places.tolist()}
    samples: dict[int, Sample] = {}
    for number, part in enumerate(analysis.parts):
        last = max((position for owner, position in wanted if owner == number), default=-1)
        for position, entry in enumerate(islice(part.read(_Unsaid()), last + 1)):
            if (number, position) in wanted:
                samples[wanted[number, position]] = entry.sample
    faces = dict(zip(samples, thumbnails(list(samples.values())), strict=True))
    return {place: faces.get(place) for place in places.tolist()}
