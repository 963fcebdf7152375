"""Where the capturing thread leaves a frame for the encoding thread: room for one, the newest wins, at most `fps` a second."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ferstream.producer.sources.source import Picture


@dataclass(frozen=True, slots=True)
class Captured:
    """A picture, its number, and when it was captured in seconds since the epoch on Redis's clock.

    `media_time` is in seconds from the start of a file or stream, None for a live camera.
    """

    picture: Picture = field(repr=False)
    sequence: int
    captured_at: float
    media_time: float | None = None


class Throttle:
    """The frame-rate cap: `due_at` is when the next frame may be taken, so that they are `fps` a second on average at most.

    Due times lie on a grid, so that jitter costs no frame; after a pause half an interval is made up.
    """

    def __init__(self, fps: float) -> None:
        self._interval_s = 1 / fps
        self.due_at = 0.0  # on the caller's monotonic clock

    def taken(self, now: float) -> None:
        """A frame was taken at `now`."""
        self.due_at = max(self.due_at, now - self._interval_s / 2) + self._interval_s


class LatestFrame:
    """Holds one frame. A live camera never waits for it to be taken: the next frame replaces it, and the old one is dropped.

    It is dropped for `rate` where the frame-rate cap held it, for `busy` where encoding or Redis was too slow.
    Without a throttle nothing is replaced: `put` waits until the frame before was taken.
    """

    def __init__(self, throttle: Throttle | None, on_drop: Callable[[str, int], None]) -> None:
        self._throttle, self._on_drop = throttle, on_drop
        self._frame: Captured | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, frame: Captured, on_accepted: Callable[[], None]) -> bool:
        """Leave a frame; false once it is closed. `on_accepted` is called before anyone can take it."""
        with self._changed:
            while self._throttle is None and self._frame is not None and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            on_accepted()
            if self._frame is not None and self._throttle is not None:
                self._on_drop("rate" if time.monotonic() < self._throttle.due_at else "busy", 1)
            self._frame = frame
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float) -> Captured | None:
        """The newest frame as soon as one is due; nothing after `timeout_s`, or when it is closed and empty."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now = time.monotonic()
                ready_at = self._throttle.due_at if self._throttle and not self._closed else now
                if self._frame is not None and now >= ready_at:
                    return self._hand_over(now)
                if now >= end or self._closed:
                    return None
                self._changed.wait((end if self._frame is None else min(end, ready_at)) - now)

    def close(self) -> None:
        """Take no more frames; the one that is in it can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def drained(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and self._frame is None

    def _hand_over(self, now: float) -> Captured | None:
        frame, self._frame = self._frame, None
        if self._throttle is not None:
            self._throttle.taken(now)
        self._changed.notify_all()
        return frame
