"""What a page sends over its WebSocket: how it starts a camera, and a frame."""

import math
import struct
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import simplejpeg

from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.scans import MOST_SCANS, has_too_many_scans

#: Sequence of the page, milliseconds of the page's clock; the JPEG follows.
_HEAD = struct.Struct(">Id")
MAX_JPEG_BYTES = 400_000
MAX_SIDE = 1280
MOST_FPS = 30.0


class PageError(FerstreamError):
    """What a page sent is not what it should send. `sequence` is the page's, where that could be read."""

    def __init__(self, why: str, sequence: int | None = None) -> None:
        super().__init__(why)
        self.sequence = sequence


class Start(msgspec.Struct, frozen=True, tag_field="type", tag="start"):
    """The first message."""

    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    fps: Annotated[float, msgspec.Meta(ge=0.1, le=MOST_FPS)] = 10.0


@dataclass(frozen=True, slots=True)
class PageFrame:
    """A frame as it came: `page_time` is when the page captured it, by its own clock in seconds since the epoch."""

    sequence: int
    page_time: float | None
    width: int
    height: int
    jpeg: bytes = field(repr=False)


def read_start(text: str) -> Start:
    """Raises PageError."""
    try:
        return msgspec.json.decode(text, type=Start)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise PageError(f'the first message must be {{"type":"start","name":"","fps":10}}: {error}') from error


def read_frame(message: bytes) -> PageFrame:
    """The picture's header is read, not its pixels. Raises PageError."""
    if len(message) < _HEAD.size:
        raise PageError(f"a frame begins with {_HEAD.size} bytes of sequence and time; this has {len(message)}")
    sequence, milliseconds = _HEAD.unpack_from(message)
    jpeg = message[_HEAD.size :]
    if len(jpeg) > MAX_JPEG_BYTES:
        raise PageError(f"the picture has {len(jpeg)} bytes; at most {MAX_JPEG_BYTES} are taken", sequence)
    try:
        height, width, colourspace, _ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError:
        raise PageError("the picture is no JPEG that can be read", sequence) from None
    if max(width, height) > MAX_SIDE or min(width, height) < 1:
        raise PageError(f"the picture is {width}x{height} px; at most {MAX_SIDE} a side are taken", sequence)
    if colourspace in ("CMYK", "YCCK"):
        raise PageError(f"the picture's colours are {colourspace}, for print", sequence)
    if has_too_many_scans(jpeg):
        raise PageError(f"the picture has more than {MOST_SCANS} scans", sequence)
    return PageFrame(sequence, _seconds(milliseconds), width, height, jpeg)


def write_frame(sequence: int, milliseconds: float, jpeg: bytes) -> bytes:
    """The message of a frame, as `read_frame` takes it."""
    return _HEAD.pack(sequence, milliseconds) + jpeg


def _seconds(milliseconds: float) -> float | None:
    return milliseconds / 1000 if math.isfinite(milliseconds) and 0 < milliseconds < 1e14 else None
