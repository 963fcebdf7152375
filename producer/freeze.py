"""Whether a camera shows the same picture over and over: its sensor hangs while its network part lives."""

import time


class FreezeDetector:
    """Fed with checksums of pictures; a live camera's noise never gives the same one for long."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._checksum: int | None = None
        self._since = self._seen = 0.0

    def same_for(self, checksum: int) -> float:
        """For how many seconds the picture has been the same, once that is long enough to say so; else zero."""
        now = time.monotonic()
        # After a gap as long as that the camera was away, not frozen.
        if checksum != self._checksum or now - self._seen > self._after_s:
            self._checksum, self._since = checksum, now
        self._seen = now
        seconds = now - self._since
        return seconds if seconds >= self._after_s else 0.0
