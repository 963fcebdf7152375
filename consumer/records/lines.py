"""A record as a line of JSON, with the names of the wire, and back."""

from collections.abc import Callable
from typing import Any

import msgspec

from ferstream.consumer.records.minute import Minute, minute_map
from ferstream.consumer.records.rows import Of, Record, micros
from ferstream.streams.wire.codec import event_map, event_of_json, result_map, result_of_json
from ferstream.streams.wire.messages import Event, Result

#: What tells a record from others of its kind: two that share it say the same.
RecordName = tuple[str | int | None, ...]

_encode = msgspec.json.Encoder().encode
_read_minute = msgspec.json.Decoder(Minute).decode


def record_map(record: Record) -> dict[str, Any]:
    """The record as a JSON-ready map."""
    if isinstance(record, Event):
        return event_map(record)
    if isinstance(record, Minute):
        return minute_map(record)
    return result_map(record)


def json_line(record: Record) -> bytes:
    """The record as JSON in UTF-8, with a newline at its end."""
    return _encode(record_map(record)) + b"\n"


def record_of(line: bytes, of: Of) -> Record:
    """The record that a line holds. Raises ValueError where it holds none."""
    return _READERS[of](line)


def name_of(record: Record) -> RecordName:
    """What tells the record from others. The capture time is part of it: a producer may begin to count anew."""
    if isinstance(record, Result):
        return record.camera_id, record.sequence, micros(record.captured_at)
    if isinstance(record, Event):
        return (record.event_id,)
    return record.camera_id, micros(record.start)


_READERS: dict[Of, Callable[[bytes], Record]] = {
    "results": result_of_json,
    "events": event_of_json,
    "minutes": _read_minute,
}
