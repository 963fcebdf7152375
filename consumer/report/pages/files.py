"""The tables beside a report, as CSV and JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from ferstream.consumer.records.cells import cell
from ferstream.consumer.report.numbers.figures import Figures
from ferstream.consumer.report.pages.wording import Clock
from ferstream.streams.wire.emotions import NAMES

_SECONDS = [f"seconds_{name}" for name in NAMES]
_SHARES = [f"share_{name}" for name in NAMES]
_CAMERA = [
    "camera",
    "observed_seconds",
    "covered_seconds",
    "coverage",
    "results",
    "faces",
    "people_max",
    "people_mean",
    "unknown_share",
]
_TRACKS = ["tracks", "track_mean_seconds", "track_longest_seconds"]


def camera_table(cameras: Sequence[Figures]) -> bytes:
    """A row a camera."""
    return _csv([*_CAMERA, *_TRACKS, *_SECONDS, *_SHARES], map(_camera_row, cameras))


def timeline_table(cameras: Sequence[tuple[Figures, Clock]]) -> bytes:
    """A row for each camera and step: how long there were results, and how long faces were named so."""
    return _csv(
        ["camera", "start", "seconds", "covered_seconds", "people_max", *_SECONDS],
        (row for figures, clock in cameras for row in _steps(figures, clock)),
    )


def gap_table(cameras: Sequence[tuple[Figures, Clock]]) -> bytes:
    """A row for each listed gap."""
    rows = (
        (figures.name, clock.iso(gap.start), clock.iso(gap.end), round(gap.seconds, 3))
        for figures, clock in cameras
        for gap in figures.gaps.listed
    )
    return _csv(["camera", "start", "end", "seconds"], rows)


def figures_json(together: Figures, cameras: Sequence[Figures], about: dict[str, object]) -> bytes:
    """All figures as JSON."""
    said = about | {"all": together.message(), "cameras": {figures.name: figures.message() for figures in cameras}}
    return json.dumps(said, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace") + b"\n"


def _camera_row(figures: Figures) -> list[object]:
    said, tracks = figures.message(), figures.tracks
    lengths = [None] * 3 if tracks is None else [tracks.count, round(tracks.mean_s, 3), round(tracks.longest_s, 3)]
    return [
        figures.name,
        *(said[name] for name in _CAMERA[1:]),
        *lengths,
        *said["emotion_seconds"].values(),
        *said["shares"].values(),
    ]


def _steps(figures: Figures, clock: Clock) -> Iterator[list[object]]:
    timeline = figures.timeline
    if timeline is None:
        return
    period = timeline.period
    for step in range(period.steps):
        seconds = [round(timeline.emotions[name][step], 3) for name in NAMES]
        begin = clock.iso(period.begin(step))
        yield [figures.name, begin, period.step_s, round(timeline.covered[step], 3), timeline.people_max[step], *seconds]


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
