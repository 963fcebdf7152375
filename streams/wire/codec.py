"""The wire, version 2: messages as the fields of a stream entry. The only place where a message is a dict.

Version 1 is still read: what it does not say is None.
"""

import struct
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from msgspec.structs import asdict

from ferstream.streams.errors import DecodeError, DecodeReason
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.streams.wire.messages import VERSION, Event, Face, Frame, FrameHeader, HeadPose, Preview, Result
from ferstream.streams.wire.schema import (
    Event2,
    Face1,
    Face2,
    Header1,
    Header2,
    Preview2,
    Result1,
    Result2,
    TrackedFace2,
    TrackedResult2,
)

#: A header takes some 200 bytes. What is longer is refused before it is parsed, and left out of a dead letter.
MAX_HEADER_BYTES = 64 * 1024
#: Since this version a frame names its producer, where that keeps the account of what it captures.
ACCOUNTED_SINCE = 2
#: 8 MB holds ten thousand faces.
MAX_MAP_BYTES = 8 * 1024 * 1024
#: A preview takes 5 to 100 KB. A longer one is neither written nor read.
MAX_PREVIEW_BYTES = 512 * 1024


class _AnyVersion(msgspec.Struct):
    version: Any = None
    producer: Any = None


M = TypeVar("M")

_encode = msgspec.msgpack.Encoder().encode
_decode_any = msgspec.msgpack.Decoder(_AnyVersion).decode
#: By version, what reads a map of it.
_HEADERS: dict[int, Callable[[bytes], Header1]] = {
    1: msgspec.msgpack.Decoder(Header1).decode,
    2: msgspec.msgpack.Decoder(Header2).decode,
}
_RESULTS: dict[int, Callable[[bytes], Result1 | Result2]] = {
    1: msgspec.msgpack.Decoder(Result1).decode,
    2: msgspec.msgpack.Decoder(Result2).decode,
}
#: Events and previews came with version 2.
_EVENTS: dict[int, Callable[[bytes], Event2]] = {2: msgspec.msgpack.Decoder(Event2).decode}
_PREVIEWS: dict[int, Callable[[bytes], Preview2]] = {2: msgspec.msgpack.Decoder(Preview2).decode}
#: And the same in JSON.
_any_json = msgspec.json.Decoder(_AnyVersion).decode
_RESULT_LINES: dict[int, Callable[[bytes], Result1 | Result2]] = {
    1: msgspec.json.Decoder(Result1).decode,
    2: msgspec.json.Decoder(TrackedResult2).decode,
}
_read_event_line = msgspec.json.Decoder(Event2).decode
_KNOWN = " and ".join(map(str, _HEADERS))
_in_order = itemgetter(*EMOTIONS)
#: msgpack's float 32: 0xCA, then the number.
_FLOAT32 = struct.Struct(">Bf")
#: Deep nesting ends in a RecursionError, text that is no UTF-8 in a ValueError.
_UNREADABLE = (msgspec.DecodeError, RecursionError, ValueError, TypeError)


def encode_frame(frame: Frame) -> dict[Any, Any]:
    """Fields of a frame entry: `m` the header, `j` the picture."""
    return {b"m": _encode({"version": VERSION} | msgspec.to_builtins(frame.header)), b"j": frame.picture}


def decode_header(entry_id: str, fields: Mapping[bytes, bytes]) -> FrameHeader:
    """The header of a frame entry, without touching its picture.

    Raises DecodeError where the version is unknown, a field missing, of a wrong type or out of its range, or the header longer
    than MAX_HEADER_BYTES.
    """
    return FrameHeader(**asdict(_decode(_HEADERS, entry_id, fields, b"m", MAX_HEADER_BYTES)))


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
    return _result(_decode(_RESULTS, entry_id, fields, b"r", MAX_MAP_BYTES))


def result_of_json(line: bytes) -> Result:
    """A result from the JSON of its `result_map`, or of what version 1 wrote. Raises ValueError where it is none."""
    try:
        return _result(_RESULT_LINES[_any_json(line).version](line))
    except (KeyError, *_UNREADABLE) as error:
        raise ValueError(f"no result: {error}") from error


def encode_preview(preview: Preview) -> dict[Any, Any]:
    """Fields of a preview's entry: `m` a map, `j` the picture."""
    said = msgspec.to_builtins(preview, builtin_types=(bytes,))
    jpeg = said.pop("jpeg")
    return {b"m": _encode({"version": VERSION} | said), b"j": jpeg}


def decode_preview(entry_id: str, fields: Mapping[bytes, bytes]) -> Preview:
    """A preview from its entry. Raises DecodeError as `decode_header` does, and where the picture is missing or too large."""
    said, jpeg = _decode(_PREVIEWS, entry_id, fields, b"m", MAX_HEADER_BYTES), fields.get(b"j")
    if jpeg is None:
        raise DecodeError(entry_id, "missing-field", "field j (the picture) is missing")
    if len(jpeg) > MAX_PREVIEW_BYTES:
        raise DecodeError(entry_id, "too-large", f"field j has {len(jpeg)} bytes; at most {MAX_PREVIEW_BYTES} are read")
    return Preview(**asdict(said), jpeg=jpeg)


def encode_event(event: Event) -> dict[Any, Any]:
    """Field of an event entry: `e`."""
    return {b"e": _encode(_event_map(event, _float32))}


def decode_event(entry_id: str, fields: Mapping[bytes, bytes]) -> Event:
    """An event from its entry. Raises DecodeError as `decode_header` does."""
    return _event(_decode(_EVENTS, entry_id, fields, b"e", MAX_MAP_BYTES))


def event_of_json(line: bytes) -> Event:
    """An event from the JSON of its `event_map`. Raises ValueError where it is none."""
    try:
        return _event(_read_event_line(line))
    except _UNREADABLE as error:
        raise ValueError(f"no event: {error}") from error


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
        "models": result.models,
        "seconds": result.seconds,
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
        "probabilities": _by_name(face.probabilities, number),
        "landmarks": None if landmarks is None else [[number(x, 2), number(y, 2)] for x, y in landmarks],
        "pose": None if pose is None else _pose_map(pose, number),
    }


def _event_map(event: Event, number: Callable[[float, int], Any]) -> dict[str, Any]:
    said = {name: getattr(event, name) for name in event.__dataclass_fields__}
    written = {
        "peak": None if event.peak is None else number(event.peak, 6),
        "probabilities": _by_name(event.probabilities, number),
        "shares": {name: number(value, 6) for name, value in event.shares.items()},
        "box": [number(value, 2) for value in event.box],
    }
    return {"version": VERSION} | said | written


def _by_name(probabilities: tuple[float, ...], number: Callable[[float, int], Any]) -> dict[str, Any]:
    return {name: number(value, 6) for name, value in zip(EMOTIONS, probabilities, strict=True)}


def _pose_map(pose: HeadPose, number: Callable[[float, int], Any]) -> dict[str, Any]:
    return {"yaw": number(pose.yaw, 2), "pitch": number(pose.pitch, 2), "roll": number(pose.roll, 2)}


def _float32(value: float, _digits: int) -> msgspec.Raw:
    return msgspec.Raw(_FLOAT32.pack(0xCA, value))


def _result(read: Result1 | Result2) -> Result:
    said = asdict(read)
    said["faces"] = tuple(map(_face, said["faces"]))
    return Result(**said)


def _event(read: Event2) -> Event:
    said = asdict(read)
    said["probabilities"] = _in_order(said["probabilities"])
    return Event(**said)


def _face(read: Face1) -> Face:
    landmarks, pose = (read.landmarks, read.pose) if isinstance(read, Face2) else (None, None)  # version 1 knows neither
    return Face(
        box=read.box,
        score=read.score,
        quality=read.quality,
        emotion=read.emotion,
        probabilities=_in_order(read.probabilities),
        landmarks=landmarks,
        pose=None if pose is None else HeadPose(yaw=pose.yaw, pitch=pose.pitch, roll=pose.roll),
        track=read.track if isinstance(read, TrackedFace2) else None,
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
