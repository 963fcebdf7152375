"""What a worker admits: no more frames than it has room for, and none that it could not answer in time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median_low

from ferstream.streams.frames.reader import Entry

#: A reader that waits for room looks up this often, so that its loop is seen to be alive.
LOOK_S = 0.5
#: Frames that are looked back on. Of each camera's the slowest counts.
LOOK_BACK = 32
#: However slow the last ones were (Redis may have been away), a frame is begun in the first tenth of its life.
MOST_OF_ITS_LIFE = 0.9
#: What was measured longer ago says nothing of now, unless frames live longer than this.
REMEMBERED_S = 10.0
#: A camera that takes so many times as long as the one in the middle is slow for its own frames only.
EXCEPTION = 2.0


@dataclass(slots=True, eq=False)
class Lane:
    """One reader's part of the limit, in frames.

    `held` are between read and answer, `reserved` may come with the read that is going on. `flowing`: its last read brought
    some. `unreachable`: its Redis is away, so that what it holds cannot be answered now and takes no room from the others.
    """

    held: int = 0
    reserved: int = 0
    flowing: bool = True
    unreachable: bool = False


class InFlightLimit:
    """At most `size` frames in flight over all lanes; `size` is at least `readers`. Safe to use from several threads.

    Room is reserved before a read, since what Redis has delivered is pending with us and cannot be put back. A lane whose
    stream is empty reserves one place only while it waits. One place is kept for each lane that holds none, so that a busy
    stream cannot shut out a quiet one.
    """

    def __init__(self, size: int, readers: int) -> None:
        self.lanes = [Lane() for _ in range(readers)]
        self._size = size
        self._most = size if readers == 1 else max(1, size // readers)
        self._changed = threading.Condition()
        self._closed = False

    def reserve(self, lane: Lane) -> int:
        """Wait up to LOOK_S for room; returns how many entries may be read, 0 where there is no room."""
        wanted = self._most if lane.flowing or len(self.lanes) == 1 else 1
        with self._changed:
            self._changed.wait_for(lambda: self._free(lane) > 0 or self._closed, timeout=LOOK_S)
            lane.reserved = 0 if self._closed else max(0, min(wanted, self._free(lane)))
            return lane.reserved

    def fill(self, lane: Lane, count: int, more: bool) -> None:
        """The read is through: `count` of the reserved places are held now; `more` says whether the next may be there already."""
        with self._changed:
            lane.reserved = 0
            lane.flowing = more
            lane.held += count
            self._changed.notify_all()

    def release(self, lane: Lane, count: int) -> None:
        """`count` frames of this lane are answered."""
        with self._changed:
            lane.held = max(0, lane.held - count)
            self._changed.notify_all()

    def held(self) -> int:
        """Frames between read and answer, of all lanes."""
        return sum(lane.held for lane in self.lanes)

    def close(self) -> None:
        """No more is to be read: wakes those that wait for room, and gives them none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _free(self, mine: Lane) -> int:
        others = (lane for lane in self.lanes if lane is not mine and not lane.unreachable)
        return self._size - mine.held - mine.reserved - sum(max(1, lane.held + lane.reserved) for lane in others)


class LoadShedder:
    """Says of each frame that one reader takes whether there is time left for it. Safe to use from several threads.

    Why: an overloaded worker would else answer nothing at all. Frames come first in, first out, so each would be read shortly
    before its deadline, and expire when all the work on it is done. Shedding some of them before any work lets the others be in
    time. What slowed the worker once must not stop it for ever: with nothing to do it always begins a frame, which measures
    anew, and it forgets what it measured long ago.

    One a reader: the wait for a Redis that hangs is part of what its frames take, and must not count for another's. Cameras are
    looked at one by one: one that takes much longer than most, since it shows a crowd, is slow for its own frames only, and for
    those only while there are some that the next one would have to wait for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: dict[tuple[int, str], tuple[str, float]] = {}  # camera, when
        self._took: deque[tuple[float, str, float]] = deque(maxlen=LOOK_BACK)  # when it ended, camera, seconds
        self._lock = threading.Lock()

    def begin(self, entry: Entry, camera_id: str) -> None:
        """Start the clock: the work on this frame begins."""
        with self._lock:
            self._began[entry.shard, entry.entry_id] = camera_id, self._clock()

    def end(self, entries: Iterable[Entry]) -> None:
        """Stop it: these frames are answered, in time or not. Those that were never begun do not count."""
        with self._lock:
            now = self._clock()
            for entry in entries:
                if began := self._began.pop((entry.shard, entry.entry_id), None):
                    camera_id, began_at = began
                    self._took.append((now, camera_id, now - began_at))

    def too_slow(self, camera_id: str, left_s: float, life_s: float) -> bool:
        """Whether a camera's frame with `left_s` of its `life_s` seconds to its deadline would be answered too late."""
        with self._lock:
            if not self._began:
                return False
            return left_s < min(self._takes_s(camera_id, max(REMEMBERED_S, life_s)), MOST_OF_ITS_LIFE * life_s)

    def _takes_s(self, camera_id: str, remembered_s: float) -> float:
        """Seconds that a frame of this camera may take, by what others took lately."""
        since = self._clock() - remembered_s
        slowest_s: dict[str, float] = {}
        for ended_at, camera, seconds in self._took:
            if ended_at >= since:
                slowest_s[camera] = max(seconds, slowest_s.get(camera, 0.0))
        if not slowest_s:
            return 0.0
        usual_s = EXCEPTION * median_low(slowest_s.values())
        takes_s = max(seconds for seconds in slowest_s.values() if seconds <= usual_s)
        waits_for_its_own = any(camera == camera_id for camera, _ in self._began.values())
        return max(takes_s, slowest_s.get(camera_id, 0.0)) if waits_for_its_own else takes_s
