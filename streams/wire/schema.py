"""What the maps on the wire must hold, by version. A field that is not named is left out: a newer program may send it."""

import sys
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN, Emotion, Name
from ferstream.streams.wire.messages import EventKind

#: The largest number of 32 bits.
_MOST = (2 - 2**-23) * 2.0**127

Text = Annotated[str, Meta(min_length=1)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]  # also an integer, never NaN
Single = Annotated[float, Meta(ge=-_MOST, le=_MOST)]  # a face's numbers, which are written in 32 bits
Count = Annotated[int, Meta(ge=0)]
Side = Annotated[int, Meta(ge=1)]
Box = tuple[Single, Single, Single, Single]
Point = tuple[Single, Single]


class Header1(msgspec.Struct, kw_only=True):
    camera_id: Text
    sequence: Count
    captured_at: Finite
    deadline: Finite
    width: Side
    height: Side
    encoding: Literal["jpeg"]
    traceparent: Text | None = None


class Header2(Header1, kw_only=True):
    media_time: Finite | None
    producer: Text | None


class Preview2(msgspec.Struct, kw_only=True):
    camera_id: Text
    sequence: Count
    captured_at: Finite
    width: Side
    height: Side
    blurred: bool


class _Probabilities(msgspec.Struct, kw_only=True):
    probabilities: dict[Emotion, Single]

    def __post_init__(self) -> None:
        # Counted here: msgspec's min_length takes the length that a map says of itself, and a name may come twice in it.
        if len(self.probabilities) < len(EMOTIONS):
            raise ValueError(f"probabilities of {len(EMOTIONS)} emotions expected, of {len(self.probabilities)} found")


class Face1(_Probabilities, kw_only=True):
    box: Box
    score: Single
    quality: Single
    emotion: Name


class Pose(msgspec.Struct):
    yaw: Single
    pitch: Single
    roll: Single


class Face2(Face1, kw_only=True):
    confidence: Single | None
    landmarks: tuple[Point, Point, Point, Point, Point] | None
    pose: Pose | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.confidence is None) != (self.emotion == UNKNOWN):
            raise ValueError(f"a face that is {self.emotion} has the confidence {self.confidence}")


class _Result(msgspec.Struct, kw_only=True):
    camera_id: Text
    sequence: Count
    captured_at: Finite
    frame_id: Text
    width: Side
    height: Side
    models: dict[str, str]
    seconds: dict[str, Finite]
    worker: Text


class Result1(_Result, kw_only=True):
    faces: list[Face1]


class Result2(_Result, kw_only=True):
    media_time: Finite | None
    faces: list[Face2]


class TrackedFace2(Face2, kw_only=True):
    """A face in JSON: whoever follows faces adds the track."""

    track: Count | None = None


class TrackedResult2(Result2, kw_only=True):
    faces: list[TrackedFace2]  # type: ignore[assignment]  # a face with one field more


class Event2(_Probabilities, kw_only=True):
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
    box: Box
    rule: Text | None
