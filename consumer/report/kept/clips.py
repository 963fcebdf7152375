"""From the tables of analysed files to their figures, in the time of each file."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferstream.consumer.log.parquet import require_pyarrow
from ferstream.consumer.report.kept.kept import FaceRow, seen_in
from ferstream.consumer.report.numbers.figures import Figures
from ferstream.consumer.report.numbers.period import period_of
from ferstream.consumer.report.numbers.seen import Seen
from ferstream.consumer.report.numbers.tally import LONGEST_S, Tally
from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.analysis_record import SUFFIX

_COLUMNS = ["media_time", "frame", "emotion", "track"]
#: A frame stands for the time until the next one, also where frames are far apart: for so many of their usual steps at most.
_STEPS = 2.5


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """Figures of one file, and the emotions whose faces alone are in its table; none where all are."""

    figures: Figures
    emotions: tuple[str, ...]


def clip_figures(folder: Path, name: str) -> ClipFigures:
    """The figures of the video whose tables begin with `name`. Raises FerstreamError where they cannot be read."""
    try:
        record = json.loads((folder / f"{name}{SUFFIX}").read_text("utf-8"))
        emotions = tuple(record["options"]["emotions"])
        start, last, frames = record["options"]["from_s"], record["media_seconds"], record["frames"]
        step_s = (last - start) / (frames - 1) if frames > 1 and last > start else 0.04
        period = period_of(start, last + step_s, is_media=True)
        # Frames that have no row, since none of their faces is wanted, must not be stood for by those before them.
        tally = Tally(name, period, longest_s=1.5 * step_s if emotions else max(LONGEST_S, _STEPS * step_s))
        for seen in seen_in(_rows(folder / record["tables"]["faces"], name)):
            tally.see(seen)
        tally.see(Seen(period.end, 0, name, ()))  # until which the last frame stands
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FerstreamError(f"the tables of {name} in {folder} cannot be read: {error}") from error
    return ClipFigures(tally.finish(tracks_known=True), emotions)


def _rows(path: Path, name: str) -> Iterator[FaceRow]:
    for at, frame, emotion, track in _parquet(path) if path.suffix == ".parquet" else _csv(path):
        yield FaceRow(float(at), name, int(frame), emotion or None, int(track) if track else None)


def _csv(path: Path) -> Iterator[list[Any]]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield [row[column] for column in _COLUMNS]


def _parquet(path: Path) -> Iterator[tuple[Any, ...]]:
    require_pyarrow()
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(columns=_COLUMNS):
        yield from zip(*(batch.column(column).to_pylist() for column in _COLUMNS), strict=True)
