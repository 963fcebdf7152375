"""What the server says to a page, and what a page says to it: the WebSocket's messages, encoded once for all viewers."""

from typing import Annotated, Any, Literal

import msgspec

from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.deployment.problem import Problem
from ferstream.consumer.deployment.status_object import problems_object
from ferstream.streams.wire.codec import event_map
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.streams.wire.messages import Event, Face

#: Names in one `watch`: what a page may ask this process to remember.
MOST_NAMES = 2000


class FaceMessage(msgspec.Struct, frozen=True):
    """A face: `box` xyxy in pixels of the frame as captured, `emotion` smoothed, `since` when its track began (epoch, s)."""

    box: tuple[float, float, float, float]
    score: float
    quality: float
    emotion: str
    confidence: float | None
    probabilities: tuple[float, ...]
    track: int | None
    since: float | None


def face_message(face: Face, since: float | None) -> FaceMessage:
    """A face of a followed result, with no more digits than anybody looks at."""
    x1, y1, x2, y2 = face.box
    return FaceMessage(
        box=(round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1)),
        score=round(face.score, 3),
        quality=round(face.quality, 3),
        emotion=face.emotion,
        confidence=None if face.confidence is None else round(face.confidence, 3),
        probabilities=tuple(round(value, 3) for value in face.probabilities),
        track=face.track,
        since=since,
    )


class Faces(msgspec.Struct, frozen=True, tag_field="type", tag="faces"):
    """The faces of one frame."""

    camera: str
    sequence: int
    captured_at: float
    width: int
    height: int
    faces: list[FaceMessage]


class Picture(msgspec.Struct, frozen=True, tag_field="type", tag="picture"):
    """What stands before a JPEG: the frame that it shows, with that frame's own faces; `picture` is the JPEG's size."""

    camera: str
    sequence: int
    captured_at: float
    width: int
    height: int
    picture: tuple[int, int]
    blurred: bool
    faces: list[FaceMessage]


#: Pixels of the longer side, as a page has room for; workers give no more than previews may have.
Side = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a page wants to see from now on: pictures by camera with the longest side in pixels, and results; "*" is all."""

    type: Literal["watch"]
    pictures: dict[str, Side] = {}
    results: list[str] = []


_encode = msgspec.json.Encoder().encode
_read_watch = msgspec.json.Decoder(Watch).decode


def faces_text(message: Faces) -> str:
    return _encode(message).decode()


def picture_bytes(message: Picture, jpeg: bytes) -> bytes:
    """uint32 (big-endian) length of the JSON, the JSON, the JPEG."""
    head = _encode(message)
    return b"".join((len(head).to_bytes(4, "big"), head, jpeg))


def event_text(event: Event) -> str:
    return _encode({"type": "event", "event": event_map(event)}).decode()


def status_text(status: bytes) -> str:
    """`status` is the object as JSON."""
    return '{"type":"status",' + status.decode()[1:]


def hello_text(session: dict[str, Any]) -> str:
    return _encode({"type": "hello", "session": session, "emotions": EMOTIONS}).decode()


def away_text(what: str) -> str:
    """Redis is away, and says `what`; as a problem with its topic, too, as a status has them."""
    do = "look at Redis's log, and at the network between it and this server; it is asked again each second"
    return _encode({"type": "away", "what": what} | problems_object([Problem(printable(what), do, "redis-gone")])).decode()


def back_text() -> str:
    return '{"type":"back"}'


def read_watch(text: str | bytes) -> Watch:
    """Raises ValueError that says what is wrong."""
    try:
        watch = _read_watch(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no message of a viewer: {error}") from error
    if len(watch.pictures) + len(watch.results) > MOST_NAMES:
        raise ValueError(f'a watch names at most {MOST_NAMES} cameras; "*" is all of them')
    return watch
