"""The messages between processes: what a producer says of a frame, a worker of the faces in it, and a tracker of its tracks."""

from dataclasses import dataclass, field
from typing import Literal

from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN

#: Of the wire. The fields of a header and of an event stand in the order of their maps there.
VERSION = 2

EventKind = Literal["appeared", "changed", "left", "alert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeader:
    """One picture of one camera; `(camera_id, sequence)` names it. Times are seconds since the epoch on Redis's clock.

    `media_time` is in seconds from the start of a file or stream, None for a live camera. `width` and `height` are the frame's
    as captured; the encoded picture may be smaller. `producer` (host:pid) captured it and keeps its account; None where nobody
    does, as with frames of version 1.
    """

    camera_id: str
    sequence: int
    captured_at: float
    media_time: float | None = None
    deadline: float
    width: int
    height: int
    encoding: str = "jpeg"
    producer: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A header and its picture, encoded as `header.encoding` says."""

    header: FrameHeader
    picture: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPose:
    """Which way a head is turned, approximately, in degrees; all three are 0 where it faces the camera upright.

    `yaw` grows as the face turns towards the right edge of the picture, `pitch` as it looks up, `roll` as the head leans
    clockwise in the picture.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face: `box` xyxy in pixels of the frame as captured; `probabilities` in the order of EMOTIONS, summing to 1.

    `score` is the detector's, `quality` says in 0..1 how much there was to see (size, sharpness, pose, score). `emotion` is one
    of EMOTIONS, or UNKNOWN where that was too little, or no emotion likely enough.

    `landmarks` are right eye, left eye, tip of the nose, right and left corner of the mouth, as the person has them, in pixels
    as the box; `pose` is computed from them and approximate. Both are None where the detector finds no landmarks, and in results
    of the wire's version 1. `track` is the number of its track, where a tracker has seen the face; a worker knows none.
    """

    box: tuple[float, float, float, float]
    score: float
    quality: float
    emotion: str
    probabilities: tuple[float, ...]
    landmarks: tuple[tuple[float, float], ...] | None = None
    pose: HeadPose | None = None
    track: int | None = None

    @property
    def confidence(self) -> float | None:
        """Probability of the named emotion; None where the face is unknown."""
        return None if self.emotion == UNKNOWN else self.probabilities[EMOTIONS.index(self.emotion)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a worker says of one frame: its faces, or none. It holds no pixels.

    `(camera_id, sequence)` names the frame, `captured_at` is in seconds since the epoch on Redis's clock, `media_time` in seconds
    from the start of a file or stream (None for a live camera). `width` and `height` are the frame's as captured, in pixels.
    `frame_id` is the id of its entry, `models` maps a task to the name of its model, `seconds` a stage to what it took for this
    frame, and `worker` is the name of the worker.
    """

    camera_id: str
    sequence: int
    captured_at: float
    media_time: float | None = None
    frame_id: str
    width: int
    height: int
    faces: tuple[Face, ...]
    models: dict[str, str]
    seconds: dict[str, float]
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The picture of the frame `(camera_id, sequence)`: a JPEG of `width` x `height` pixels. The frame's size is in its result.

    `captured_at` is in seconds since the epoch on Redis's clock. In a `blurred` one the faces that were found are pixelated.
    """

    camera_id: str
    sequence: int
    captured_at: float
    width: int
    height: int
    blurred: bool
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a track: its face `appeared`, its emotion `changed`, it `left`, or a rule gave an `alert`.

    `event_id` names the event: a repeat has the same. It happened in the frame `(camera_id, sequence)`, `at` seconds since the
    epoch on Redis's clock, `media_time` seconds from the start of a file (None for a live camera). `emotion` is the one from then
    on; of a track that left, the one it had for longest. `before` is the one that ended with a change, else None.

    What ended is told from `since` on, for `duration` seconds of media time where there is one: the emotion before a change, the
    whole track that left, what fulfilled the rule of an alert. Over it, `probabilities` (in the order of EMOTIONS) are means,
    `shares` maps each emotion to its share of the time, and `peak` is the highest smoothed probability of the emotion that ended.
    For a face that appeared it is 0 s long. `best_sequence` is the frame that showed the face best, `box` its place there,
    xyxy in pixels. `rule` is the text of the rule, None but for an alert.
    """

    event_id: str
    kind: EventKind
    camera_id: str
    track: int
    at: float
    media_time: float | None
    sequence: int
    emotion: str
    before: str | None
    since: float
    duration: float
    peak: float | None
    probabilities: tuple[float, ...]
    shares: dict[str, float]
    best_sequence: int
    box: tuple[float, float, float, float]
    rule: str | None = None
