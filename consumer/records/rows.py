"""Rows of what sinks store: one schema for Parquet, SQLite and PostgreSQL.

A result is one row a face, the table that analysts group by; a frame without faces is one row with `faces` 0 and nulls for the
face. `(camera_id, sequence, captured_at, face)` names a row of a result: the time is part of it since a producer may begin to
count anew. `event_id` names an event, `(camera_id, start)` a minute.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ferstream.consumer.records.minute import Minute
from ferstream.streams.wire.emotions import EMOTIONS, NAMES
from ferstream.streams.wire.messages import Event, Face, Result

Record = Result | Event | Minute
Of = Literal["results", "events", "minutes"]
#: What a column holds; `time` is in seconds since the epoch here, `number` a float of 64 bits and `single` one of 32.
ColumnKind = Literal["time", "number", "single", "count", "small", "text", "json", "points", "pose"]
Row = tuple[Any, ...]

#: A camera's clock may say anything; databases and programs hold these.
_FIRST, _LAST = (datetime(year, 1, 2, tzinfo=UTC).timestamp() for year in (1, 9999))
_LARGEST = 2**63 - 1
#: What stands in a key of SQL for a null.
_FILLED: dict[ColumnKind, float] = {"small": -1, "time": _FIRST}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `key` where it is part of the row's name."""

    name: str
    kind: ColumnKind
    key: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The table of one kind of records; `rows` gives a record as rows, whose values are in the order of `columns`."""

    of: Of
    columns: tuple[Column, ...]
    rows: Callable[[Any], Iterator[Row]]
    time: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.key)

    def all_rows(self, records: Sequence[Any]) -> list[Row]:
        """The rows of many records."""
        return [row for record in records for row in self.rows(record)]

    def keyed_rows(self, records: Sequence[Any]) -> list[Row]:
        """The same for SQL, where a key has no nulls: no face is -1, and a time that no calendar holds the first of all."""
        instead = {at: _FILLED[column.kind] for at, column in enumerate(self.columns) if column.key and column.kind in _FILLED}
        return [_filled(row, instead) if any(row[at] is None for at in instead) else row for row in self.all_rows(records)]


def _columns(kind: ColumnKind, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names)


_PROBABILITIES = _columns("single", *(f"p_{emotion}" for emotion in EMOTIONS))

_FACE = (
    Column("captured_at", "time", key=True),
    Column("media_time", "number"),
    Column("camera_id", "text", key=True),
    Column("sequence", "count", key=True),
    *_columns("count", "width", "height"),
    Column("faces", "small"),
    Column("face", "small", key=True),
    Column("track", "count"),
    *_columns("single", "x1", "y1", "x2", "y2", "score", "quality"),
    Column("emotion", "text"),
    Column("confidence", "single"),
    *_PROBABILITIES,
    Column("landmarks", "points"),
    Column("pose", "pose"),
    *_columns("text", "worker", "frame_id"),
    Column("models", "json"),
)
_EVENT = (
    Column("event_id", "text", key=True),
    Column("kind", "text"),
    Column("camera_id", "text"),
    Column("track", "count"),
    Column("at", "time"),
    Column("media_time", "number"),
    Column("sequence", "count"),
    *_columns("text", "emotion", "before"),
    *_columns("number", "since", "duration"),
    Column("peak", "single"),
    *_PROBABILITIES,
    Column("shares", "json"),
    Column("best_sequence", "count"),
    *_columns("single", "x1", "y1", "x2", "y2"),
    Column("rule", "text"),
)
_MINUTE = (
    Column("camera_id", "text", key=True),
    Column("start", "time", key=True),
    *_columns("number", "seconds"),
    Column("results", "count"),
    Column("people_max", "count"),
    Column("people_mean", "number"),
    Column("faces", "count"),
    *_columns("number", *(f"s_{emotion}" for emotion in NAMES)),
    *_columns("number", "unknown_share", "coverage"),
)

#: Columns of a face that are null for a frame without faces.
_NO_FACE = (None,) * (2 + 6 + 2 + len(EMOTIONS) + 2)  # face, track; six numbers; emotion, confidence; landmarks, pose


def result_rows(result: Result) -> Iterator[Row]:
    """A row a face, in the order of the result's faces."""
    models = json.dumps(result.models, sort_keys=True)
    before = (
        calendar_time(result.captured_at),
        result.media_time,
        result.camera_id,
        result.sequence,
        result.width,
        result.height,
        len(result.faces),
    )
    after = (result.worker, result.frame_id, models)
    if not result.faces:
        yield (*before, *_NO_FACE, *after)
    for number, face in enumerate(result.faces):
        yield (*before, number, *_face(face), *after)


def event_rows(event: Event) -> Iterator[Row]:
    """The one row of an event."""
    yield (
        event.event_id,
        event.kind,
        event.camera_id,
        event.track,
        calendar_time(event.at),
        event.media_time,
        event.sequence,
        event.emotion,
        event.before,
        event.since,
        event.duration,
        event.peak,
        *event.probabilities,
        json.dumps(event.shares, sort_keys=True),
        event.best_sequence,
        *event.box,
        event.rule,
    )


def minute_rows(minute: Minute) -> Iterator[Row]:
    """The one row of a minute."""
    yield (
        minute.camera_id,
        calendar_time(minute.start),
        minute.seconds,
        minute.results,
        minute.people_max,
        minute.people_mean,
        minute.faces,
        *(minute.emotion_seconds.get(emotion, 0.0) for emotion in NAMES),
        minute.unknown_share,
        minute.coverage,
    )


TABLES: dict[Of, Table] = {
    "results": Table("results", _FACE, result_rows, "captured_at"),
    "events": Table("events", _EVENT, event_rows, "at"),
    "minutes": Table("minutes", _MINUTE, minute_rows, "start"),
}


def calendar_time(seconds: float) -> float | None:
    """Seconds since the epoch, or None where no calendar holds them."""
    return seconds if _FIRST <= seconds <= _LAST else None


def micros(seconds: float) -> int | None:
    """The same in whole microseconds, as tables hold it."""
    known = calendar_time(seconds)
    return None if known is None else round(known * 1e6)


def cleaned(row: Row) -> Row:
    """A row whose numbers fit 64 bits with a sign, and whose texts hold no zero character: no SQL database takes all."""
    return tuple(_cleaned(value) for value in row)


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    if isinstance(value, int):
        return min(value, _LARGEST)
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _filled(row: Row, instead: dict[int, float]) -> Row:
    return tuple(instead.get(at) if value is None else value for at, value in enumerate(row))


def _face(face: Face) -> Iterator[Any]:
    pose = face.pose
    yield face.track
    yield from face.box
    yield face.score
    yield face.quality
    yield face.emotion
    yield face.confidence
    yield from face.probabilities
    yield face.landmarks
    yield None if pose is None else (pose.yaw, pose.pitch, pose.roll)
