"""The rows of a file's tables: those of every sink, less what is only of Redis, with a number in each column.

Frames are named by their number in the file, from 0. Times are seconds of the file, `since` of an event too. Pixels and degrees
have two digits, shares and seconds six. A frame without faces is one row with `faces` 0 and nothing in the columns of a face.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ferstream.consumer.records.rows import TABLES, Column, Row
from ferstream.streams.wire.emotions import NAMES
from ferstream.streams.wire.messages import Event, Result

#: What a file's tables leave out: when it was computed, by whom, and of which file.
_OF_REDIS = {"captured_at", "camera_id", "worker", "frame_id", "models", "event_id", "at", "rule"}
_RENAMED = {"sequence": "frame", "best_sequence": "best_frame"}
_POINTS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
_PIXELS = {"x1", "y1", "x2", "y2"}
#: A column of the sinks with several values in it, as columns of one value each.
_EXPANDED = {
    "landmarks": tuple(Column(f"{point}_{axis}", "single") for point in _POINTS for axis in "xy"),
    "pose": tuple(Column(angle, "single") for angle in ("yaw", "pitch", "roll")),
    "shares": tuple(Column(f"share_{emotion}", "single") for emotion in NAMES),
}


@dataclass(frozen=True, slots=True)
class ClipTable:
    """The columns of one table of a file, and where each comes from in a row of the sinks."""

    columns: tuple[Column, ...]
    places: tuple[tuple[int, Column], ...]


def _clip_table(columns: Sequence[Column]) -> ClipTable:
    places = [(at, column) for at, column in enumerate(columns) if column.name not in _OF_REDIS]
    places.sort(key=lambda place: place[1].name != "sequence")  # what names a row stands first
    expanded: list[Column] = []
    for _, column in places:
        expanded += _EXPANDED.get(column.name, (Column(_RENAMED.get(column.name, column.name), column.kind),))
    return ClipTable(tuple(expanded), tuple(places))


#: Of the faces in each frame.
FACES = _clip_table(TABLES["results"].columns)
#: Of the events of each track.
EVENTS = _clip_table(TABLES["events"].columns)


def face_rows(result: Result) -> Iterator[Row]:
    """A row a face, in the order of the result's faces; one row where there is none."""
    for row in TABLES["results"].rows(result):
        yield tuple(_values(FACES, row, result))


def event_row(event: Event) -> Row:
    """The row of an event."""
    if event.media_time is not None:
        event = replace(event, since=event.media_time - event.duration)  # it is told on Redis's clock
    (row,) = TABLES["events"].rows(event)
    return tuple(_values(EVENTS, row, event))


def _values(table: ClipTable, row: Row, record: Result | Event) -> Iterator[Any]:
    for at, column in table.places:
        value = row[at]
        if column.name == "shares":
            assert isinstance(record, Event)  # what the sinks keep as JSON
            yield from (round(record.shares.get(emotion, 0.0), 6) for emotion in NAMES)
        elif column.name in _EXPANDED:
            yield from _rounded(column.name, value)
        elif isinstance(value, float):
            yield round(value, 2 if column.name in _PIXELS else 6)
        else:
            yield value


def _rounded(name: str, value: Any) -> Iterator[float | None]:  # noqa: ANN401 - as a row has it
    if value is None:
        yield from (None,) * len(_EXPANDED[name])
    elif name == "pose":
        yield from (round(angle, 2) for angle in value)
    else:
        yield from (round(along, 2) for point in value for along in point)
