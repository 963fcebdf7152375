"""What every camera looks like to the rest of the producer: something that opens, gives pictures, and closes."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

#: A decoder's frame with its planes as they are, or (height, width, 3) bytes in OpenCV's order: blue, green, red.
Picture: TypeAlias = av.VideoFrame | NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself once open; zero or nothing where it does not say."""

    width: int
    height: int
    fps: float
    codec: str


class Source(Protocol):
    """One camera's pictures."""

    def open(self) -> SourceInfo:
        """Connect, bounded in time. Raises CameraError."""

    def frames(self) -> Iterator[Picture]:
        """Pictures until the source ends or its stop event is set. Raises CameraError, CameraStalled."""

    def close(self) -> None:
        """Release the connection, file or device. May be called twice."""


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
