"""Records in a directory of JSON Lines or Parquet, also while a sink writes there."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ferstream.consumer.log.parquet import require_pyarrow
from ferstream.consumer.records.minute import Minute
from ferstream.consumer.records.rows import TABLES, Of
from ferstream.consumer.report.kept.kept import Asked, FaceRow, TrackEnd, minute_of_row, seen_in
from ferstream.consumer.report.numbers.seen import Seen
from ferstream.consumer.sinks.sink import SinkError

log = logging.getLogger(__name__)

_DAY = re.compile(r"day=(\d{4}-\d\d-\d\d)")
#: A file that was written last so long before the time asked about holds nothing of it, also where clocks differ.
_CLOCKS_S = 3600.0


class _Face(msgspec.Struct):
    emotion: str
    track: int | None = None


class _Result(msgspec.Struct):
    camera_id: str
    sequence: int
    captured_at: float
    faces: list[_Face]


class _Event(msgspec.Struct):
    event_id: str
    kind: str
    camera_id: str
    at: float
    duration: float


_result = msgspec.json.Decoder(_Result).decode
_event = msgspec.json.Decoder(_Event).decode
_minute = msgspec.json.Decoder(Minute).decode


class Files:
    """A Kept of the files in a directory and below it. Raises SinkError where there is none of ours."""

    def __init__(self, directory: Path) -> None:
        self.name = f"files in {directory}"
        self._directory = directory
        if not directory.is_dir():
            raise SinkError(f"there is no directory {directory}")
        if not any(self._all(of, suffix) for of in TABLES for suffix in ("jsonl", "parquet", "journal")):
            raise SinkError(f"{directory} holds no files of a sink or a log: results-*.jsonl or results-*.parquet")

    def frames(self, asked: Asked) -> Iterator[Seen]:
        """Frames of results, in the order in which they were written."""
        for result in self._lines("results", asked, _result):
            if asked.start <= result.captured_at < asked.end and _is_asked(asked, result.camera_id):
                emotions = tuple(face.emotion for face in result.faces)
                tracks = tuple(face.track for face in result.faces if face.track is not None)
                yield Seen(result.captured_at, result.sequence, result.camera_id, emotions, tracks)
        columns = ("captured_at", "camera_id", "sequence", "emotion", "track")
        yield from seen_in(map(FaceRow._make, self._rows("results", columns, asked)))

    def minutes(self, asked: Asked) -> Iterator[Minute]:
        """Minutes, in the order in which they were written."""
        for minute in self._lines("minutes", asked, _minute):
            if asked.start <= minute.start < asked.end and _is_asked(asked, minute.camera_id):
                yield minute
        names = TABLES["minutes"].names
        for values in self._rows("minutes", names, asked):
            row = dict(zip(names, values, strict=True))
            yield minute_of_row(row, row["start"])

    def track_ends(self, asked: Asked) -> Iterator[TrackEnd]:
        """Tracks that ended in that time."""
        for event in self._lines("events", asked, _event):
            if event.kind == "left" and asked.start <= event.at < asked.end and _is_asked(asked, event.camera_id):
                yield TrackEnd(event.at, event.event_id, event.camera_id, event.duration)
        for at, event_id, camera_id, length_s, kind in self._rows(
            "events", ("at", "event_id", "camera_id", "duration", "kind"), asked
        ):
            if kind == "left":
                yield TrackEnd(at, event_id, camera_id, length_s)

    def close(self) -> None:
        """Nothing is held."""

    def _all(self, of: Of, suffix: str) -> list[Path]:
        try:
            return sorted(self._directory.rglob(f"{of}-*.{suffix}"))
        except OSError as error:
            raise SinkError(f"cannot read {self._directory}: {error.strerror}") from error

    def _lines(self, of: Of, asked: Asked, decode: Callable[[bytes], Any]) -> Iterator[Any]:
        """Records of lines; those of a journal too, which is on its way to Parquet."""
        for path in [*self._all(of, "jsonl"), *self._all(of, "journal")]:
            try:
                if path.stat().st_mtime < asked.start - _CLOCKS_S:
                    continue
                with path.open("rb") as lines:
                    yield from _records(path, lines, decode)
            except OSError as error:
                raise SinkError(f"cannot read {path}: {error.strerror}; try again where a sink writes there") from error

    def _rows(self, of: Of, columns: tuple[str, ...], asked: Asked) -> Iterator[tuple[Any, ...]]:
        """Rows of Parquet in the time asked about."""
        paths = self._all(of, "parquet")
        if not paths:
            return
        require_pyarrow()
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        time = TABLES[of].time
        start, end = (pa.scalar(round(at * 1e6), pa.timestamp("us", tz="UTC")) for at in (asked.start, asked.end))
        for path in paths:
            try:
                if not _may_hold(path, asked):
                    continue
                for batch in pq.ParquetFile(path).iter_batches(columns=list(columns)):
                    at = batch.column(time)
                    chosen = pc.and_(pc.greater_equal(at, start), pc.less(at, end))
                    if asked.cameras:
                        chosen = pc.and_(chosen, pc.is_in(batch.column("camera_id"), pa.array(asked.cameras)))
                    yield from _values(batch.filter(chosen), columns, time)
            except (OSError, KeyError, pa.ArrowException) as error:  # KeyError: a column that it must have
                raise SinkError(f"cannot read {path}: {error}; try again where a sink writes there") from error


def _records(path: Path, lines: Any, decode: Callable[[bytes], Any]) -> Iterator[Any]:  # noqa: ANN401 - a binary file
    for number, line in enumerate(lines, start=1):
        try:
            yield decode(line)
        except msgspec.DecodeError:
            if line.endswith(b"\n"):  # else it is being written
                log.warning("%s line %d cannot be read, leaving it out", path, number)


def _values(batch: Any, columns: tuple[str, ...], time: str) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    def values(name: str) -> list[Any]:
        if name == time:
            return [value / 1e6 for value in batch.column(name).cast(pa.int64()).to_pylist()]
        if name == "track" and name not in batch.schema.names:  # written by a version up to 0.2
            return [None] * batch.num_rows
        return list(batch.column(name).to_pylist())

    yield from zip(*map(values, columns), strict=True)


def _may_hold(path: Path, asked: Asked) -> bool:
    """Whether a file may hold something of that time: its folder says the day, or else its age."""
    day = next((found[1] for part in path.parts if (found := _DAY.fullmatch(part))), None)
    if day is None:
        return path.stat().st_mtime >= asked.start - _CLOCKS_S
    return _date(asked.start) <= day <= _date(asked.end)


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _is_asked(asked: Asked, camera_id: str) -> bool:
    return not asked.cameras or camera_id in asked.cameras
