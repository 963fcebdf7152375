"""A report as files: the page, its charts as PNG, and its figures as CSV and JSON."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from ferstream.consumer.report.numbers.figures import Figures, all_together
from ferstream.consumer.report.pages.charts import heat_chart, png, timeline_chart
from ferstream.consumer.report.pages.files import camera_table, figures_json, gap_table, timeline_table
from ferstream.consumer.report.pages.heat_map import emotions_by_hour, people_by_hour
from ferstream.consumer.report.pages.page import Chart, Page, Section
from ferstream.consumer.report.pages.svg import inline_svg
from ferstream.consumer.report.pages.wording import Clock
from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.service.atomic_file import RESULTS, make_folder, whole_file

PAGE = "report.html"
#: What is beside the page, in a folder of this name.
BESIDE = "report"
#: What stands in every report, and tells it from pages of others.
_MARK = b'<meta name="generator" content="ferstream">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says. Figures of `cameras` have a timeline each; `noun` is what was watched, `camera` or `file`."""

    title: str
    when: str
    cameras: tuple[Figures, ...]
    clock: Clock
    noun: str = "camera"
    notes: tuple[str, ...] = ()
    source: str = ""

    def json(self) -> bytes:
        """All figures, for programs."""
        return figures_json(all_together(self.cameras), self.cameras, self._about())

    def write(self, folder: Path) -> Path:
        """Write the page, and what is beside it; returns its path. Raises WriteError, and FerstreamError without the extra."""
        require_report()
        _refuse_others(folder / PAGE)
        beside = folder / BESIDE
        make_folder(beside)
        for old in beside.glob("camera-*.png"):  # of cameras that an earlier report had
            old.unlink(missing_ok=True)
        together = all_together(self.cameras)
        timed = [(figures, self.clock) for figures in self.cameras]
        tables = {
            "cameras.csv": camera_table(self.cameras),
            "timeline.csv": timeline_table(timed),
            "gaps.csv": gap_table(timed),
            "figures.json": self.json(),
        }
        for name, content in tables.items():
            _write(beside / name, content)
        now = Clock(self.clock.zone).moment(datetime.now(UTC).timestamp())
        page = Page(
            title=self.title,
            when=self.when,
            noun=self.noun,
            together=Section(together, tuple(self._charts_of_all(together, beside)), self.clock, "all"),
            cameras=tuple(self._section(number, figures, beside) for number, figures in enumerate(self.cameras, start=1)),
            notes=self.notes,
            files=tuple(f"{BESIDE}/{name}" for name in (*tables, "*.png")),
            written=f"Written by ferstream on {now}. {self.source}".strip(),
        )
        _write(folder / PAGE, page.html().encode("utf-8", "replace"))
        return folder / PAGE

    def _about(self) -> dict[str, object]:
        return {"title": self.title, "time": self.when, "source": self.source, "notes": list(self.notes)}

    def _charts_of_all(self, together: Figures, beside: Path) -> Iterator[Chart]:
        if together.timeline is None or len(self.cameras) < 2:
            return
        yield _timeline(together, self.clock, "all", beside / "all-timeline.png", together=True)
        heat = heat_chart(people_by_hour(self.cameras, together.timeline.period, self.clock))
        yield _chart(
            heat, "all-people", "People on average, for each camera and time. Hatched: no results.", beside / "all-people.png"
        )

    def _section(self, number: int, figures: Figures, beside: Path) -> Section:
        charts: list[Chart] = []
        if figures.timeline is not None and figures.people_seconds:
            key, file = f"c{number}", _file_name(number, figures.name)
            charts.append(_timeline(figures, self.clock, f"{key}-timeline", beside / f"{file}-timeline.png"))
            heat = heat_chart(emotions_by_hour(figures, figures.timeline.period, self.clock))
            words = "Percent of the time of all faces that each emotion had then. Hatched: no face, or no results."
            charts.append(_chart(heat, f"{key}-emotions", words, beside / f"{file}-emotions.png"))
        return Section(figures, tuple(charts), self.clock, f"c{number}")


def require_report() -> None:
    """Raises FerstreamError where what a report is made with is missing."""
    for module in ("jinja2", "matplotlib"):
        if find_spec(module) is None:
            raise FerstreamError(f"a report needs {module}: {how_to_install('report')}")


def _refuse_others(page: Path) -> None:
    """Raises FerstreamError where a page is there that is no report: somebody else's."""
    try:
        with page.open("rb") as file:
            if _MARK not in file.read(4096):
                raise FerstreamError(f"{page} is there already, and is no report of ferstream: give another --out")
    except FileNotFoundError:
        return
    except OSError as error:
        raise FerstreamError(f"cannot use {page}: {error.strerror}") from error


def _file_name(number: int, camera_id: str) -> str:
    """How the names of a camera's files begin: any file system takes them, and the number tells two cameras apart."""
    return f"camera-{number:03}-{re.sub('[^A-Za-z0-9_-]', '_', camera_id)[:40]}"


def _timeline(figures: Figures, clock: Clock, key: str, path: Path, *, together: bool = False) -> Chart:
    assert figures.timeline is not None
    words = "People in each emotion over time, stacked: the height is how many there were on average"
    words += ", in all cameras together." if together else ". The line is most people at once."
    return _chart(timeline_chart(figures.timeline, clock, together=together), key, words, path)


def _chart(figure: object, key: str, words: str, path: Path) -> Chart:
    _write(path, png(figure))
    return Chart(inline_svg(figure, key, words), words)


def _write(path: Path, content: bytes) -> None:
    with whole_file(path, RESULTS) as file:
        file.write(content)
