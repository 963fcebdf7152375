"""The wire, version 1: messages as the fields of a stream entry. The only place where a message is a dict."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import msgpack

from ferstream.streams.errors import DecodeError
from ferstream.streams.wire.emotions import EMOTIONS, NAMES
from ferstream.streams.wire.messages import VERSION, Face, Frame, FrameHeader, Result

T = TypeVar("T")

#: A face map has nine numbers more than a header; 8 MB holds ten thousand faces.
MAX_MAP_BYTES = 8 * 1024 * 1024


def encode_frame(frame: Frame) -> dict[Any, Any]:
    """Fields of a frame entry: `m` the header, `j` the picture."""
    h = frame.header
    header = {
        "version": VERSION,
        "camera_id": h.camera_id,
        "sequence": h.sequence,
        "captured_at": h.captured_at,
        "deadline": h.deadline,
        "width": h.width,
        "height": h.height,
        "encoding": h.encoding,
        "traceparent": h.traceparent,
    }
    return {b"m": msgpack.packb(header), b"j": frame.picture}


def decode_header(entry_id: str, fields: Mapping[bytes, bytes]) -> FrameHeader:
    """The header of a frame entry, without touching its picture. Raises DecodeError."""
    read = _Reader(entry_id, _unpack(entry_id, fields, b"m"))
    return FrameHeader(
        camera_id=read.text("camera_id"),
        sequence=read.integer("sequence", 0),
        captured_at=read.number("captured_at"),
        deadline=read.number("deadline"),
        width=read.integer("width", 1),
        height=read.integer("height", 1),
        encoding=read.one_of("encoding", ("jpeg",)),
        traceparent=read.optional_text("traceparent"),
    )


def decode_frame(entry_id: str, fields: Mapping[bytes, bytes]) -> Frame:
    """A frame from its entry. Raises DecodeError where the version is unknown, a field missing or of a wrong type."""
    header = decode_header(entry_id, fields)
    if b"j" not in fields:
        raise DecodeError(entry_id, "missing-field", "field j (the picture) is missing")
    return Frame(header, fields[b"j"])


def encode_result(result: Result) -> dict[Any, Any]:
    """Field of a result entry: `r`."""
    message = {
        "version": VERSION,
        "camera_id": result.camera_id,
        "sequence": result.sequence,
        "captured_at": result.captured_at,
        "frame_id": result.frame_id,
        "width": result.width,
        "height": result.height,
        "faces": [face_map(face) for face in result.faces],
        "models": result.models,
        "seconds": result.seconds,
        "worker": result.worker,
    }
    return {b"r": msgpack.packb(message)}


def decode_result(entry_id: str, fields: Mapping[bytes, bytes]) -> Result:
    """A result from its entry. Raises DecodeError where the version is unknown, a field missing or of a wrong type."""
    read = _Reader(entry_id, _unpack(entry_id, fields, b"r"))
    return Result(
        camera_id=read.text("camera_id"),
        sequence=read.integer("sequence", 0),
        captured_at=read.number("captured_at"),
        frame_id=read.text("frame_id"),
        width=read.integer("width", 1),
        height=read.integer("height", 1),
        faces=tuple(_face(_Reader(entry_id, face)) for face in read.of_type("faces", list)),
        models={k: read.checked(k, v, isinstance(v, str), "text") for k, v in read.of_type("models", dict).items()},
        seconds={k: read.checked(k, v, _is_number(v), "a number") for k, v in read.of_type("seconds", dict).items()},
        worker=read.text("worker"),
    )


def result_map(result: Result) -> dict[str, Any]:
    """The result as a JSON-ready map, the same names as on the wire."""
    message: dict[str, Any] = msgpack.unpackb(encode_result(result)[b"r"])
    return message


def face_map(face: Face) -> dict[str, Any]:
    """The face with the names of the wire, JSON-ready."""
    return {
        "box": list(face.box),
        "score": face.score,
        "quality": face.quality,
        "emotion": face.emotion,
        "probabilities": dict(zip(EMOTIONS, face.probabilities, strict=True)),
    }


def _face(read: "_Reader") -> Face:
    box = read.of_type("box", list)
    read.checked("box", box, len(box) == 4 and all(map(_is_number, box)), "four numbers")
    probabilities = read.of_type("probabilities", dict)
    complete = set(probabilities) == set(EMOTIONS) and all(map(_is_number, probabilities.values()))
    read.checked("probabilities", probabilities, complete, "a number for each of the eight emotions")
    return Face(
        box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        score=read.number("score"),
        quality=read.number("quality"),
        emotion=read.one_of("emotion", NAMES),
        probabilities=tuple(float(probabilities[emotion]) for emotion in EMOTIONS),
    )


def _unpack(entry_id: str, fields: Mapping[bytes, bytes], field: bytes) -> object:
    if field not in fields:
        raise DecodeError(entry_id, "missing-field", f"field {field.decode()} is missing")
    if len(fields[field]) > MAX_MAP_BYTES:
        raise DecodeError(entry_id, "too-large", f"field {field.decode()} has {len(fields[field])} bytes")
    try:
        message = msgpack.unpackb(fields[field], raw=False, strict_map_key=True)
    except (ValueError, RecursionError, TypeError, msgpack.UnpackException) as error:
        raise DecodeError(entry_id, "not-msgpack", f"field {field.decode()} is no msgpack: {error}") from error
    version = message.get("version") if isinstance(message, dict) else None
    if isinstance(message, dict) and (version != VERSION or isinstance(version, bool)):
        raise DecodeError(entry_id, "wrong-version", f"wire version {version!r}; this program speaks {VERSION}")
    return message


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class _Reader:
    """Reads one map, field by field; the first wrong one is a DecodeError."""

    def __init__(self, entry_id: str, message: object) -> None:
        self._id = entry_id
        if not isinstance(message, dict):
            raise DecodeError(entry_id, "wrong-type", f"expected a map, got {type(message).__name__}")
        self._map = message

    def checked(self, name: str, value: T, right: bool, wanted: str) -> T:
        if not right:
            raise DecodeError(self._id, "wrong-type", f"{name} must be {wanted}, got {type(value).__name__}")
        return value

    def _value(self, name: str) -> Any:  # noqa: ANN401 - what the wire holds is what is being found out
        if name not in self._map:
            raise DecodeError(self._id, "missing-field", f"{name} is missing")
        return self._map[name]

    def of_type(self, name: str, kind: type[T]) -> T:
        value = self._value(name)
        if not isinstance(value, kind):
            raise DecodeError(self._id, "wrong-type", f"{name} must be a {kind.__name__}, got {type(value).__name__}")
        return value

    def text(self, name: str) -> str:
        value = self._value(name)
        return str(self.checked(name, value, isinstance(value, str) and bool(value), "text"))

    def optional_text(self, name: str) -> str | None:
        return None if self._map.get(name) is None else self.text(name)

    def number(self, name: str) -> float:
        value = self._value(name)
        return float(self.checked(name, value, _is_number(value), "a number"))

    def integer(self, name: str, least: int) -> int:
        value = self._value(name)
        right = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return int(self.checked(name, value, right, f"an integer of {least} or more"))

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        value = self.text(name)
        return self.checked(name, value, value in values, f"one of {', '.join(values)}")
