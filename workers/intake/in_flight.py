"""How many frames a worker holds at once, shared by its readers: no more than it has room for, and none of them takes all."""

import threading
from dataclasses import dataclass

#: A reader that waits for room looks up this often, so that its loop is seen to be alive.
LOOK_S = 0.5


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
            lane.held -= count
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
