"""How long a frame takes through this worker, so that none is begun that cannot be answered in time.

Without this an overloaded worker would answer nothing at all: frames come first in, first out, so each is read shortly before its
deadline, and expires when all the work on it is done. What slowed the worker once must not stop it for ever: with nothing to do
it always begins a frame, and it forgets what it measured long ago.
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


class Pace:
    """Of the frames that one reader takes: waiting for a Redis that hangs slows no other's. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at: dict[tuple[int, str], float] = {}
        self._took: deque[tuple[float, float]] = deque(maxlen=LOOK_BACK)  # when it ended, seconds
        self._lock = threading.Lock()

    def begin(self, entry: Entry) -> None:
        """The work on this frame begins."""
        with self._lock:
            self._began_at[entry.shard, entry.entry_id] = self._clock()

    def end(self, entries: Iterable[Entry]) -> None:
        """These frames are done with, in time or not; those that were never begun do not count."""
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
