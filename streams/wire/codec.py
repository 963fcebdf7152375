"""The wire, version 1: messages as the fields of a stream entry. The only place where a message is a dict."""

import sys
from collections.abc import Mapping
from operator import itemgetter
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from ferstream.streams.errors import DecodeError
from ferstream.streams.wire.emotions import EMOTIONS, Emotion, Name
from ferstream.streams.wire.messages import VERSION, Face, Frame, FrameHeader, Result

#: More than any header of ours: a name and a traceparent are text of some hundred bytes.
MAX_HEADER_BYTES = 64 * 1024
#: Producers that speak this version or a newer one keep the account of what they capture.
ACCOUNTED_SINCE = 1
#: A face map has nine numbers more than a header; 8 MB holds ten thousand faces.
MAX_MAP_BYTES = 8 * 1024 * 1024

Text = Annotated[str, Meta(min_length=1)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]  # also an integer, never NaN
Count = Annotated[int, Meta(ge=0)]
Side = Annotated[int, Meta(ge=1)]


class _Map(msgspec.Struct):
    """A map on the wire. Fields that are not named are left out: a newer program of the same version may send them."""

    version: Finite


class _Header(_Map):
    camera_id: Text
    sequence: Count
    captured_at: Finite
    deadline: Finite
    width: Side
    height: Side
    encoding: Literal["jpeg"]
    traceparent: Text | None = None


class _Face(msgspec.Struct):
    box: tuple[Finite, Finite, Finite, Finite]
    score: Finite
    quality: Finite
    emotion: Name
    probabilities: dict[Emotion, Finite]

    def __post_init__(self) -> None:
        # Counted here: msgspec's min_length takes the length that a map says of itself, and a name may come twice in it.
        if len(self.probabilities) < len(EMOTIONS):
            raise ValueError(f"probabilities of {len(EMOTIONS)} emotions expected, of {len(self.probabilities)} found")


class _Result(_Map):
    camera_id: Text
    sequence: Count
    captured_at: Finite
    frame_id: Text
    width: Side
    height: Side
    faces: list[_Face]
    models: dict[str, str]
    seconds: dict[str, Finite]
    worker: Text


class _AnyVersion(msgspec.Struct):
    version: Any = None


_M = TypeVar("_M", bound=_Map)

_encode = msgspec.msgpack.Encoder().encode
_HEADERS, _RESULTS = msgspec.msgpack.Decoder(_Header), msgspec.msgpack.Decoder(_Result)
_VERSIONS = msgspec.msgpack.Decoder(_AnyVersion)
_in_order = itemgetter(*EMOTIONS)
#: Deep nesting ends in a RecursionError, text that is no UTF-8 in a ValueError.
_UNREADABLE = (msgspec.DecodeError, RecursionError, ValueError, TypeError)


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
    return {b"m": _encode(header), b"j": frame.picture}


def decode_header(entry_id: str, fields: Mapping[bytes, bytes]) -> FrameHeader:
    """The header of a frame entry, without touching its picture.

    Raises DecodeError where the version is unknown, a field missing, of a wrong type or out of its range.
    """
    read = _decode(_HEADERS, entry_id, fields, b"m")
    return FrameHeader(
        camera_id=read.camera_id,
        sequence=read.sequence,
        captured_at=read.captured_at,
        deadline=read.deadline,
        width=read.width,
        height=read.height,
        encoding=read.encoding,
        traceparent=read.traceparent,
    )


def decode_frame(entry_id: str, fields: Mapping[bytes, bytes]) -> Frame:
    """A frame from its entry. Raises DecodeError as `decode_header` does, and where the picture is missing."""
    header = decode_header(entry_id, fields)
    if b"j" not in fields:
        raise DecodeError(entry_id, "missing-field", "field j (the picture) is missing")
    return Frame(header, fields[b"j"])


def is_accounted(fields: Mapping[bytes, bytes]) -> bool:
    """Whether the producer of a frame entry has accounted for its capture. What cannot be read is not ours."""
    try:
        version = _VERSIONS.decode(fields.get(b"m", b"")[:MAX_HEADER_BYTES]).version
    except _UNREADABLE:
        return False
    return isinstance(version, int) and version >= ACCOUNTED_SINCE


def encode_result(result: Result) -> dict[Any, Any]:
    """Field of a result entry: `r`."""
    return {b"r": _encode(result_map(result))}


def decode_result(entry_id: str, fields: Mapping[bytes, bytes]) -> Result:
    """A result from its entry. Raises DecodeError as `decode_header` does."""
    read = _decode(_RESULTS, entry_id, fields, b"r")
    return Result(
        camera_id=read.camera_id,
        sequence=read.sequence,
        captured_at=read.captured_at,
        frame_id=read.frame_id,
        width=read.width,
        height=read.height,
        faces=tuple(
            Face(box=f.box, score=f.score, quality=f.quality, emotion=f.emotion, probabilities=_in_order(f.probabilities))
            for f in read.faces
        ),
        models=read.models,
        seconds=read.seconds,
        worker=read.worker,
    )


def result_map(result: Result) -> dict[str, Any]:
    """The result as a JSON-ready map, the same names in the same order as on the wire."""
    return {
        "version": VERSION,
        "camera_id": result.camera_id,
        "sequence": result.sequence,
        "captured_at": result.captured_at,
        "frame_id": result.frame_id,
        "width": result.width,
        "height": result.height,
        "faces": [face_map(face) for face in result.faces],
        "models": dict(result.models),
        "seconds": dict(result.seconds),
        "worker": result.worker,
    }


def face_map(face: Face) -> dict[str, Any]:
    """The face with the names of the wire, JSON-ready."""
    return {
        "box": list(face.box),
        "score": face.score,
        "quality": face.quality,
        "emotion": face.emotion,
        "probabilities": dict(zip(EMOTIONS, face.probabilities, strict=True)),
    }


def _decode(decoder: "msgspec.msgpack.Decoder[_M]", entry_id: str, fields: Mapping[bytes, bytes], field: bytes) -> _M:
    data = fields.get(field)
    if data is None:
        raise DecodeError(entry_id, "missing-field", f"field {field.decode()} is missing")
    if len(data) > MAX_MAP_BYTES:
        raise DecodeError(entry_id, "too-large", f"field {field.decode()} has {len(data)} bytes")
    try:
        message = decoder.decode(data)
    except _UNREADABLE as error:
        raise _refusal(entry_id, field.decode(), data, error) from error
    if message.version != VERSION:
        raise _wrong_version(entry_id, message.version)
    return message


def _refusal(entry_id: str, field: str, data: bytes, error: Exception) -> DecodeError:
    """Why a map cannot be read. What another version calls by other names is of another version before all."""
    try:
        version = _VERSIONS.decode(data).version
    except msgspec.ValidationError:
        return DecodeError(entry_id, "wrong-type", f"field {field} is no map of names: {error}")
    except _UNREADABLE as broken:
        return DecodeError(entry_id, "not-msgpack", f"field {field} is no msgpack: {broken}")
    if isinstance(version, bool) or version != VERSION:
        return _wrong_version(entry_id, version)
    reason = "missing-field" if "missing required field" in str(error) else "wrong-type"
    return DecodeError(entry_id, reason, f"field {field}: {error}")


def _wrong_version(entry_id: str, version: object) -> DecodeError:
    return DecodeError(entry_id, "wrong-version", f"wire version {version!r:.40}; this program speaks {VERSION}")
