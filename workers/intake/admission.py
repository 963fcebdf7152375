"""What a worker admits: no more frames than it has room for, and none that it could not answer in time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ferstream.streams.frames.reader import Entry

#: A reader that waits for room looks up this often, so that its loop is seen to be alive.
LOOK_S = 0.5
#: Frames that are looked back on. The slowest of them counts.
LOOK_BACK = 32
#: However slow the last ones were (Redis may have been away), a frame is begun in the first tenth of its life.
MOST_OF_ITS_LIFE = 0.9
#: What was measured longer ago says nothing of now, unless frames live longer than this.
REMEMBERED_S = 10.0
#: Cameras whose frames are looked back on, those seen last.
CAMERAS_REMEMBERED = 1000

_Times = deque[tuple[float, float]]  # of frames: when each ended, and the seconds that it took


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

    One a reader: the wait for a Redis that hangs is part of what its frames take, and must not count for another's. And a camera
    is judged by its own frames, where it has had any lately: those of one that shows a crowd take longer than all others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: dict[tuple[int, str], tuple[str, float]] = {}  # camera, when
        self._took = _Times(maxlen=LOOK_BACK)
        self._took_of: dict[str, _Times] = {}  # by camera; the one with the latest frame is last
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
                    took = self._took_of[camera_id] = self._took_of.pop(camera_id, _Times(maxlen=LOOK_BACK))
                    for times in (self._took, took):
                        times.append((now, now - began_at))
            while len(self._took_of) > CAMERAS_REMEMBERED:
                del self._took_of[next(iter(self._took_of))]

    def too_slow(self, camera_id: str, left_s: float, life_s: float) -> bool:
        """Whether a camera's frame with `left_s` of its `life_s` seconds to its deadline would be answered too late."""
        with self._lock:
            if not self._began:
                return False
            since = self._clock() - max(REMEMBERED_S, life_s)
            slowest_s = _slowest_s(self._took_of.get(camera_id, ()), since) or _slowest_s(self._took, since)
            return left_s < min(slowest_s, MOST_OF_ITS_LIFE * life_s)


def _slowest_s(took: Iterable[tuple[float, float]], since: float) -> float:
    return max((seconds for ended_at, seconds in took if ended_at >= since), default=0.0)
