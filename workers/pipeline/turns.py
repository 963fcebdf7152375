"""Turns among cameras, by the work they cause: one with many frames or a crowd in each waits for itself, not others for it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ferstream.workers.pipeline.stage import Channel

T = TypeVar("T")


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
    waiting: deque[T] = field(default_factory=deque)
    under_way: dict[T, float] = field(default_factory=dict)  # each with the work that is expected of it
    last: float | None = None  # work that its last item caused


class WorkChannel(Channel[T]):
    """A channel that serves next the key that has had the least work done for it.

    What an item causes is known when it is `done`, and expected of the next one of its key until then. A key that has `enough`
    work under way waits, and so does one of which nothing is known yet, while its first item is under way.
    """

    def __init__(self, capacity: int, key_of: Callable[[T], str], enough: float) -> None:
        super().__init__(capacity)
        self._key_of, self._enough = key_of, enough
        self._lanes: dict[str, _Lane[T]] = {}  # of keys with something waiting or under way
        self._share = 0.0  # the work that each key had that was here all the time: where a new one begins

    def done(self, item: T, work: float) -> None:
        """`item`, which was taken, has caused so much work and will cause no more."""
        with self._changed:
            key = self._key_of(item)
            lane = self._lanes[key]
            self._count(lane, work - lane.under_way.pop(item))
            lane.last = work
            if not lane.waiting and not lane.under_way:
                del self._lanes[key]
            self._changed.notify_all()

    def _add(self, item: T) -> None:
        self._lanes.setdefault(self._key_of(item), _Lane(self._share)).waiting.append(item)

    def _ready(self) -> bool:
        return any(self._may_begin(lane) for lane in self._lanes.values())

    def _take(self) -> T:
        lane = min(filter(self._may_begin, self._lanes.values()), key=lambda lane: lane.had)
        item = lane.waiting.popleft()
        lane.under_way[item] = self._enough if lane.last is None else lane.last
        self._count(lane, lane.under_way[item])
        return item

    def _may_begin(self, lane: _Lane[T]) -> bool:
        return bool(lane.waiting) and sum(lane.under_way.values()) < self._enough

    def _count(self, lane: _Lane[T], work: float) -> None:
        lane.had += work
        self._share += work / len(self._lanes)
