"""What is to be drawn on each frame: a file of lines that the analysis of a video leaves for its drawing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ferstream.streams.wire.messages import Result

Box = tuple[float, float, float, float]


class MarkedFace(msgspec.Struct, frozen=True, array_like=True):
    """A face to draw: `box` xyxy in pixels of the upright frame. One that is not `shown` is only hidden where faces are."""

    box: Box
    track: int | None
    emotion: str
    confidence: float | None
    shown: bool = True


class FrameMarks(msgspec.Struct, frozen=True, array_like=True):
    """The faces of a frame. `number` is its number in the file, from 0, `at` its media time in seconds."""

    number: int
    at: float
    faces: tuple[MarkedFace, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(FrameMarks).decode


def marks_line(result: Result, emotions: frozenset[str] | None) -> bytes:
    """The faces of a result as a line; only those with one of `emotions` are shown."""
    faces = tuple(
        MarkedFace(face.box, face.track, face.emotion, face.confidence, emotions is None or face.emotion in emotions)
        for face in result.faces
    )
    return _encode(FrameMarks(result.sequence, result.media_time or 0.0, faces)) + b"\n"


def read_marks(path: Path) -> Iterator[FrameMarks]:
    """All frames of a file of marks, in their order."""
    with path.open("rb") as lines:
        line: Any
        for line in lines:
            yield _decode(line)
