"""The frame-rate cap: when the next frame is due."""


class Throttle:
    """At most `fps` frames a second on average. Due times lie on a grid: jitter costs no frame; half an interval is made up."""

    def __init__(self, fps: float) -> None:
        self._interval_s = 1 / fps
        self.due_at = 0.0  # on the caller's monotonic clock

    def taken(self, now: float) -> None:
        """A frame was taken at `now`."""
        self.due_at = max(self.due_at, now - self._interval_s / 2) + self._interval_s
