"""How many frames a page may send."""

#: Frames that may come at once after a pause: a page's timer is not even.
BURST = 2.0


class RateCap:
    """A bucket of BURST frames that fills with `fps` a second."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._level, self._at = BURST, 0.0

    def allows(self, now: float) -> bool:
        """Whether a frame may be taken at `now`, on the monotonic clock; if so, it is."""
        self._level = min(BURST, self._level + (now - self._at) * self.fps)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True
