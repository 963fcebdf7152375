"""The wire, version 2: messages as the fields of a stream entry. The only place where a message is a dict.

Version 1 is still read: what it does not say is None.
"""

import struct
import sys
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import Meta

from ferstream.streams.errors import DecodeError, DecodeReason
from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN, Emotion, Name
from ferstream.streams.wire.messages import VERSION, Event, EventKind, Face, Frame, FrameHeader, HeadPose, Result

#: A header takes some 200 bytes. What is longer is refused before it is parsed, and left out of a dead letter.
MAX_HEADER_BYTES = 64 * 1024
#: Since this version a frame names its producer, where that keeps the account of what it captures.
ACCOUNTED_SINCE = 2
#: 8 MB holds ten thousand faces.
MAX_MAP_BYTES = 8 * 1024 * 1024

#: The largest number of 32 bits.
_MOST = (2 - 2**-23) * 2.0**127

Text = Annotated[str, Meta(min_length=1)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]  # also an integer, never NaN
Single = Annotated[float, Meta(ge=-_MOST, le=_MOST)]  # a face's numbers, which are written in 32 bits
Count = Annotated[int, Meta(ge=0)]
Side = Annotated[int, Meta(ge=1)]
Point = tuple[Single, Single]


class _Header(msgspec.Struct, kw_only=True):
    """What every version says of a frame. Fields that are not named are left out: a newer program may send them."""

    camera_id: Text
    sequence: Count
    captured_at: Finite
    deadline: Finite
    width: Side
    height: Side
    encoding: Literal["jpeg"]
    traceparent: Text | None = None


class _Header1(_Header):
    media_time: ClassVar[None] = None
    producer: ClassVar[None] = None


class _Header2(_Header, kw_only=True):
    media_time: Finite | None
    producer: Text | None


class _Probabilities(msgspec.Struct, kw_only=True):
    probabilities: dict[Emotion, Single]

    def __post_init__(self) -> None:
        # Counted here: msgspec's min_length takes the length that a map says of itself, and a name may come twice in it.
        if len(self.probabilities) < len(EMOTIONS):
            raise ValueError(f"probabilities of {len(EMOTIONS)} emotions expected, of {len(self.probabilities)} found")


class _Face(_Probabilities, kw_only=True):
    box: tuple[Single, Single, Single, Single]
    score: Single
    quality: Single
    emotion: Name


class _Face1(_Face):
    landmarks: ClassVar[None] = None
    pose: ClassVar[None] = None


class _Pose(msgspec.Struct):
    yaw: Single
    pitch: Single
    roll: Single


class _Face2(_Face, kw_only=True):
    confidence: Single | None
    landmarks: tuple[Point, Point, Point, Point, Point] | None
    pose: _Pose | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.confidence is None) != (self.emotion == UNKNOWN):
            raise ValueError(f"a face that is {self.emotion} has the confidence {self.confidence}")


class _Result(msgspec.Struct, kw_only=True):
    """What every version says of a result."""

    camera_id: Text
    sequence: Count
    captured_at: Finite
    frame_id: Text
    width: Side
    height: Side
    models: dict[str, str]
    seconds: dict[str, Finite]
    worker: Text


class _Result1(_Result, kw_only=True):
    media_time: ClassVar[None] = None
    faces: list[_Face1]


class _Result2(_Result, kw_only=True):
    media_time: Finite | None
    faces: list[_Face2]


class _Event(_Probabilities, kw_only=True):
    event_id: Text
    kind: EventKind
    camera_id: Text
    track: Count
    at: Finite
    media_time: Finite | None
    sequence: Count
    emotion: Name
    before: Name | None
    since: Finite
    duration: Annotated[float, Meta(ge=0, le=sys.float_info.max)]
    peak: Single | None
    shares: dict[Name, Single]
    best_sequence: Count
    box: tuple[Single, Single, Single, Single]
    rule: Text | None


class _AnyVersion(msgspec.Struct):
    version: Any = None
    producer: Any = None


M = TypeVar("M")

_encode = msgspec.msgpack.Encoder().encode
_decode_any = msgspec.msgpack.Decoder(_AnyVersion).decode
#: By version, what reads a map of it.
_HEADERS: dict[int, Callable[[bytes], _Header1 | _Header2]] = {
    1: msgspec.msgpack.Decoder(_Header1).decode,
    2: msgspec.msgpack.Decoder(_Header2).decode,
}
_RESULTS: dict[int, Callable[[bytes], _Result1 | _Result2]] = {
    1: msgspec.msgpack.Decoder(_Result1).decode,
    2: msgspec.msgpack.Decoder(_Result2).decode,
}
#: Events came with version 2.
_EVENTS: dict[int, Callable[[bytes], _Event]] = {2: msgspec.msgpack.Decoder(_Event).decode}
_KNOWN = " and ".join(map(str, _HEADERS))
_in_order = itemgetter(*EMOTIONS)
#: msgpack's float 32: 0xCA, then the number.
_FLOAT32 = struct.Struct(">Bf")
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
        "media_time": h.media_time,
        "deadline": h.deadline,
        "width": h.width,
        "height": h.height,
        "encoding": h.encoding,
        "producer": h.producer,
        "traceparent": h.traceparent,
    }
    return {b"m": _encode(header), b"j": frame.picture}


def decode_header(entry_id: str, fields: Mapping[bytes, bytes]) -> FrameHeader:
    """The header of a frame entry, without touching its picture.

    Raises DecodeError where the version is unknown, a field missing, of a wrong type or out of its range, or the header longer
    than MAX_HEADER_BYTES.
    """
    read = _decode(_HEADERS, entry_id, fields, b"m", MAX_HEADER_BYTES)
    return FrameHeader(
        camera_id=read.camera_id,
        sequence=read.sequence,
        captured_at=read.captured_at,
        media_time=read.media_time,
        deadline=read.deadline,
        width=read.width,
        height=read.height,
        encoding=read.encoding,
        producer=read.producer,
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
        said = _decode_any(fields.get(b"m", b"")[:MAX_HEADER_BYTES])
    except _UNREADABLE:
        return False
    return type(said.version) in (int, float) and said.version >= ACCOUNTED_SINCE and isinstance(said.producer, str)


def encode_result(result: Result) -> dict[Any, Any]:
    """Field of a result entry: `r`. Numbers of a face are floats of 32 bits, as models give them: half the bytes of 64."""
    return {b"r": _encode(_result_map(result, _float32))}


def decode_result(entry_id: str, fields: Mapping[bytes, bytes]) -> Result:
    """A result from its entry. Raises DecodeError as `decode_header` does."""
    read = _decode(_RESULTS, entry_id, fields, b"r", MAX_MAP_BYTES)
    return Result(
        camera_id=read.camera_id,
        sequence=read.sequence,
        captured_at=read.captured_at,
        media_time=read.media_time,
        frame_id=read.frame_id,
        width=read.width,
        height=read.height,
        faces=tuple(map(_face, read.faces)),
        models=read.models,
        seconds=read.seconds,
        worker=read.worker,
    )


def encode_event(event: Event) -> dict[Any, Any]:
    """Field of an event entry: `e`."""
    return {b"e": _encode(_event_map(event, _float32))}


def decode_event(entry_id: str, fields: Mapping[bytes, bytes]) -> Event:
    """An event from its entry. Raises DecodeError as `decode_header` does."""
    read = _decode(_EVENTS, entry_id, fields, b"e", MAX_MAP_BYTES)
    said = {name: getattr(read, name) for name in read.__struct_fields__}
    return Event(**said | {"probabilities": _in_order(read.probabilities)})


def event_map(event: Event) -> dict[str, Any]:
    """The event as a JSON-ready map, the same names in the same order as on the wire."""
    return _event_map(event, round)


def result_map(result: Result) -> dict[str, Any]:
    """The result as a JSON-ready map, the same names in the same order as on the wire, its faces as `face_map` gives them."""
    return _result_map(result, round)


def face_map(face: Face) -> dict[str, Any]:
    """The face with the names of the wire, JSON-ready: pixels and degrees to two digits, shares to six."""
    return _face_map(face, round)


def _result_map(result: Result, number: Callable[[float, int], Any]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "camera_id": result.camera_id,
        "sequence": result.sequence,
        "captured_at": result.captured_at,
        "media_time": result.media_time,
        "frame_id": result.frame_id,
        "width": result.width,
        "height": result.height,
        "faces": [_face_map(face, number) for face in result.faces],
        "models": dict(result.models),
        "seconds": dict(result.seconds),
        "worker": result.worker,
    }


def _face_map(face: Face, number: Callable[[float, int], Any]) -> dict[str, Any]:
    """The map of a face; `number` writes a value, of which so many digits are worth showing."""
    confidence, landmarks, pose = face.confidence, face.landmarks, face.pose
    track = {} if face.track is None else {"track": face.track}  # only those who follow faces know it: not on the wire
    return track | {
        "box": [number(value, 2) for value in face.box],
        "score": number(face.score, 6),
        "quality": number(face.quality, 6),
        "emotion": face.emotion,
        "confidence": None if confidence is None else number(confidence, 6),
        "probabilities": {name: number(value, 6) for name, value in zip(EMOTIONS, face.probabilities, strict=True)},
        "landmarks": None if landmarks is None else [[number(x, 2), number(y, 2)] for x, y in landmarks],
        "pose": None if pose is None else _pose_map(pose, number),
    }


def _event_map(event: Event, number: Callable[[float, int], Any]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "event_id": event.event_id,
        "kind": event.kind,
        "camera_id": event.camera_id,
        "track": event.track,
        "at": event.at,
        "media_time": event.media_time,
        "sequence": event.sequence,
        "emotion": event.emotion,
        "before": event.before,
        "since": event.since,
        "duration": event.duration,
        "peak": None if event.peak is None else number(event.peak, 6),
        "probabilities": {name: number(value, 6) for name, value in zip(EMOTIONS, event.probabilities, strict=True)},
        "shares": {name: number(value, 6) for name, value in event.shares.items()},
        "best_sequence": event.best_sequence,
        "box": [number(value, 2) for value in event.box],
        "rule": event.rule,
    }


def _pose_map(pose: HeadPose, number: Callable[[float, int], Any]) -> dict[str, Any]:
    return {"yaw": number(pose.yaw, 2), "pitch": number(pose.pitch, 2), "roll": number(pose.roll, 2)}


def _float32(value: float, _digits: int) -> msgspec.Raw:
    return msgspec.Raw(_FLOAT32.pack(0xCA, value))


def _face(read: _Face1 | _Face2) -> Face:
    pose = read.pose
    return Face(
        box=read.box,
        score=read.score,
        quality=read.quality,
        emotion=read.emotion,
        probabilities=_in_order(read.probabilities),
        landmarks=read.landmarks,
        pose=None if pose is None else HeadPose(yaw=pose.yaw, pitch=pose.pitch, roll=pose.roll),
    )


def _decode(
    readers: Mapping[int, Callable[[bytes], M]], entry_id: str, fields: Mapping[bytes, bytes], field: bytes, most: int
) -> M:
    """The map in `field`, by what reads its version."""
    data, name = fields.get(field), field.decode()
    if data is None:
        raise DecodeError(entry_id, "missing-field", f"field {name} is missing")
    if len(data) > most:
        raise DecodeError(entry_id, "too-large", f"field {name} has {len(data)} bytes; at most {most} are read")
    try:
        version = _decode_any(data).version
    except msgspec.ValidationError as error:
        raise DecodeError(entry_id, "wrong-type", f"field {name} is no map of names: {error}") from error
    except _UNREADABLE as error:
        raise DecodeError(entry_id, "not-msgpack", f"field {name} is no msgpack: {error}") from error
    read = readers.get(version) if type(version) in (int, float) else None  # True is no version
    if read is None:
        raise DecodeError(entry_id, "wrong-version", f"wire version {version!r:.40}; this program reads {_KNOWN}")
    try:
        return read(data)
    except _UNREADABLE as error:
        reason: DecodeReason = "missing-field" if "missing required field" in str(error) else "wrong-type"
        raise DecodeError(entry_id, reason, f"field {name}: {error}") from error
