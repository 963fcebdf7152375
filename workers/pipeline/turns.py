"""Turns among cameras, by the work they cause: one with many frames or a crowd in each waits for itself, not others for it."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ferstream.workers.pipeline.stage import Channel

T = TypeVar("T")

#: How much the last one counts in the time that a camera's frames take.
LAST_ONE = 0.25


class FairChannel(Channel[T]):
    """A channel that serves its keys in turn, an item each."""

    def __init__(self, capacity: int, key_of: Callable[[T], str]) -> None:
        super().__init__(capacity)
        self._key_of = key_of
        self._waiting: dict[str, deque[T]] = {}  # in the order in which they are served next

    def _add(self, item: T) -> None:
        self._waiting.setdefault(self._key_of(item), deque()).append(item)

    def _take(self) -> T:
        key, queue = next(iter(self._waiting.items()))
        item = queue.popleft()
        del self._waiting[key]  # and to the end of the line, where more is there
        if queue:
            self._waiting[key] = queue
        return item


@dataclass(slots=True, eq=False)
class _Lane(Generic[T]):
    """One key's items, those that wait and those under way."""

    had: float  # work done for it since it came, from `WorkChannel._share` of that time on
    done_at: float  # when its last item was done, or when it came
    waiting: deque[T] = field(default_factory=deque)
    under_way: dict[T, float] = field(default_factory=dict)  # each with the work that is expected of it
    last: float | None = None  # work that its last item caused
    pace_s: float = 0.0  # seconds from one item that is done to the next


class WorkChannel(Channel[T]):
    """A channel that serves next the key that has had the least work done for it.

    What an item causes is known when it is `done`, and expected of the next one of its key until then. A key that has `enough`
    work under way waits, and so does one of which nothing is known yet, while its first item is under way.
    """

    def __init__(
        self, capacity: int, key_of: Callable[[T], str], enough: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(capacity)
        self._key_of, self._enough, self._clock = key_of, enough, clock
        self._lanes: dict[str, _Lane[T]] = {}  # of keys with something waiting or under way
        self._share = 0.0  # the work that each key had that was here all the time: where a new one begins

    def done(self, item: T, work: float | None) -> None:
        """`item`, which was taken, has caused so much work and will cause no more; None where it ended before that was known."""
        with self._changed:
            key = self._key_of(item)
            lane = self._lanes[key]
            self._count(lane, (work or 0.0) - lane.under_way.pop(item))
            if work is not None:
                now = self._clock()
                lane.pace_s += LAST_ONE * (now - lane.done_at - lane.pace_s)
                lane.last, lane.done_at = work, now
            if not lane.waiting and not lane.under_way:
                del self._lanes[key]
            self._changed.notify_all()

    def takes_s(self, key: str) -> float:
        """About how long an item of `key` that is put now would take, behind its own; 0 where they are not held back."""
        with self._changed:
            lane = self._lanes.get(key)
            if lane is None or self._has_room(lane):
                return 0.0
            return (len(lane.waiting) + len(lane.under_way) + 1) * lane.pace_s

    def _add(self, item: T) -> None:
        self._lanes.setdefault(self._key_of(item), _Lane(self._share, self._clock())).waiting.append(item)

    def _ready(self) -> bool:
        return any(self._may_begin(lane) for lane in self._lanes.values())

    def _take(self) -> T:
        lane = min(filter(self._may_begin, self._lanes.values()), key=lambda lane: lane.had)
        item = lane.waiting.popleft()
        lane.under_way[item] = self._enough if lane.last is None else lane.last
        self._count(lane, lane.under_way[item])
        return item

    def _may_begin(self, lane: _Lane[T]) -> bool:
        return bool(lane.waiting) and self._has_room(lane)

    def _has_room(self, lane: _Lane[T]) -> bool:
        return sum(lane.under_way.values()) < self._enough

    def _count(self, lane: _Lane[T], work: float) -> None:
        lane.had += work
        self._share += work / len(self._lanes)
