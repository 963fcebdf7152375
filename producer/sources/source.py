"""What every camera looks like to the rest of the producer: something that opens, gives pictures, and closes."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

#: A decoder's frame with its planes as they are, or (height, width, 3) bytes in OpenCV's order: blue, green, red.
Picture: TypeAlias = av.VideoFrame | NDArray[np.uint8]


class SourceFrame(NamedTuple):
    """One picture of a source, which of its pictures it is, from 0, and its media time.

    Media time is in seconds from the start of a file or stream, None for a live camera. Of a folder, files that hold no picture
    have numbers too.
    """

    picture: Picture
    number: int
    media_time: float | None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself once open; zero or nothing where it does not say. `frames` may be an estimate."""

    width: int
    height: int
    fps: float
    codec: str
    frames: int = 0


class Source(Protocol):
    """One camera's pictures."""

    def open(self) -> SourceInfo:
        """Connect, bounded in time. Raises CameraError."""

    def frames(self) -> Iterator[SourceFrame]:
        """Pictures until the source ends or its stop event is set. Raises CameraError, CameraStalled."""

    def close(self) -> None:
        """Release the connection, file or device. May be called twice."""


class MediaTime:
    """Seconds from a source's first frame, which never go back, by the time stamps that its frames carry.

    A file's stamps may begin at any number, be missing (the frame then comes one `interval_s` after the last), or begin again: in
    a loop, or where recordings were joined.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._last_s = -interval_s
        self._began_at: float | None = None  # the stamp at which media time was 0

    def at(self, stamp_s: float | None) -> float:
        """Media time of the next frame, whose stamp is `stamp_s`."""
        next_s = self._last_s + self._interval_s
        if stamp_s is not None:
            if self._began_at is None or stamp_s - self._began_at < self._last_s:
                self._began_at = stamp_s - next_s
            next_s = stamp_s - self._began_at
        self._last_s = next_s
        return next_s

    def start_again(self) -> None:
        """The next frame is the first of another turn of the loop."""
        self._began_at = None


class Pacer:
    """Holds frames back until their own time has come; wakes at once when `stop` is set."""

    #: A reader this far behind its file, or a jump of its clock, begins a new count instead of racing to catch up.
    RESYNC_S = 1.0

    def __init__(self, stop: threading.Event, now: "Clock") -> None:
        self._stop, self._now = stop, now
        self._origin: float | None = None
        self._last_media_s = 0.0

    def wait_for(self, media_s: float) -> None:
        """Wait until `media_s` seconds of the source's clock have passed since its first frame."""
        now = self._now()
        jumped = not 0 <= media_s - self._last_media_s < 10 * self.RESYNC_S
        if self._origin is None or jumped or now - (self._origin + media_s) > self.RESYNC_S:
            self._origin = now - media_s
        self._last_media_s = media_s
        delay = self._origin + media_s - now
        if delay > 0:
            self._stop.wait(delay)


class Clock(Protocol):
    """time.monotonic, or a test's own."""

    def __call__(self) -> float: ...
