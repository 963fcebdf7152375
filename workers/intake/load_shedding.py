"""Frames that cannot be answered in time are not begun, by what the last ones took.

Why: an overloaded worker would else answer nothing at all. Frames come first in, first out, so each would be read shortly before
its deadline, and expire when all the work on it is done. Shedding some of them before any work lets the others be in time.

What slowed the worker once must not stop it for ever: with nothing to do it always begins a frame, which measures anew, and it
forgets what it measured long ago.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from ferstream.streams.frames.reader import Entry

#: Frames that are looked back on. The slowest of them counts.
LOOK_BACK = 32
#: However slow the last ones were (Redis may have been away), a frame is begun in the first tenth of its life.
MOST_OF_ITS_LIFE = 0.9
#: What was measured longer ago says nothing of now, unless frames live longer than this.
REMEMBERED_S = 10.0


class LoadShedder:
    """Says of each frame that one reader takes whether there is time left for it. Safe to use from several threads.

    One a reader: the wait for a Redis that hangs is part of what its frames take, and must not count for another's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at: dict[tuple[int, str], float] = {}
        self._took: deque[tuple[float, float]] = deque(maxlen=LOOK_BACK)  # when it ended, seconds
        self._lock = threading.Lock()

    def begin(self, entry: Entry) -> None:
        """Start the clock: the work on this frame begins."""
        with self._lock:
            self._began_at[entry.shard, entry.entry_id] = self._clock()

    def end(self, entries: Iterable[Entry]) -> None:
        """Stop it: these frames are answered, in time or not. Those that were never begun do not count."""
        with self._lock:
            now = self._clock()
            for entry in entries:
                began_at = self._began_at.pop((entry.shard, entry.entry_id), None)
                if began_at is not None:
                    self._took.append((now, now - began_at))

    def too_slow(self, left_s: float, life_s: float) -> bool:
        """Whether a frame with `left_s` of its `life_s` seconds to its deadline would be answered too late."""
        with self._lock:
            if not self._began_at:
                return False
            since = self._clock() - max(REMEMBERED_S, life_s)
            slowest_s = max((seconds for ended_at, seconds in self._took if ended_at >= since), default=0.0)
            return left_s < min(slowest_s, MOST_OF_ITS_LIFE * life_s)
