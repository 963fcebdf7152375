"""Whether the loops of a process still come round."""

import time
from collections.abc import Callable, Mapping

#: Who asks how the loops are comes by every second or so. Between two questions further apart the whole process stood still.
STOOD_STILL_S = 5.0


class Heartbeat:
    """One loop's: it says when it comes round, and when it rests, which is for as long as there is nothing to do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: float | None = None

    def beat(self) -> None:
        self._at = self._clock()

    def rest(self) -> None:
        self._at = None

    def silent_s(self) -> float:
        """Seconds since it came round; 0 while it rests."""
        at = self._at
        return 0.0 if at is None else self._clock() - at


class LoopWatch:
    """Says which of several loops hangs: `silent_s` has a name for each, and for how long it has been silent.

    To be asked every second. A process that was stopped, or whose machine stalled, could not ask either: its loops are silent
    since then through no fault of theirs, and get as long again.
    """

    def __init__(
        self, silent_s: Mapping[str, Callable[[], float]], limit_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._silent_s, self._limit_s, self._clock = silent_s, limit_s, clock
        self._asked_at = self._awake_since = clock()

    def problem(self) -> str | None:
        """Which loop has not come round for `limit_s`, in a line; None where all do."""
        now = self._clock()
        if now - self._asked_at > STOOD_STILL_S:
            self._awake_since = now
        self._asked_at = now
        for name, silent_s in self._silent_s.items():
            seconds = min(silent_s(), now - self._awake_since)
            if seconds > self._limit_s:
                return f"{name} has not come round for {seconds:.0f} s"
        return None
