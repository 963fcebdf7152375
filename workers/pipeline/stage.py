"""A stage of the worker: a bounded queue of what waits for it, and threads that take batches from there and work on them.

A queue may serve cameras in turn, by the work they cause: one with many frames or a crowd in each waits for itself, not others
for it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.threads import vital_thread

log = logging.getLogger(__name__)

T = TypeVar("T")
Put = TypeVar("Put", contravariant=True)

#: How much the last one counts in the time that a camera's frames take.
LAST_ONE = 0.25


class Outlet(Protocol[Put]):
    """Where a stage leaves what it is done with."""

    def put(self, item: Put) -> None: ...


class Channel(Generic[T]):
    """A first-in first-out queue of at most `capacity` items. `put` waits for room, `get_batch` for items.

    The bound is what holds memory: a stage that is slow makes those before it wait, up to the read from Redis.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()
        self._items: deque[T] = deque()

    def put(self, item: T) -> None:
        self.put_all([item])

    def put_all(self, items: Sequence[T]) -> None:
        """Wait for room for one, then add all: what is more than there is ever room for, a crowd's faces, is let in, too."""
        with self._changed:
            self._changed.wait_for(lambda: self._size < self._capacity or self._closed)
            for item in items:
                self._add(item)
            self._size += len(items)
            self._changed.notify_all()

    def get_batch(self, limit: int, wait_s: float = 0.0) -> list[T]:
        """At least one item and at most `limit`; none when the channel is closed and empty.

        What is queued is taken at once. After a wait for a first item, up to `wait_s` seconds are given to more.
        """
        with self._changed:
            while not self._ready():
                self._changed.wait_for(lambda: self._ready() or self._over())
                if self._over():
                    break
                # While this thread waits for a fuller batch, another one may take it all: then begin again.
                self._changed.wait_for(lambda: self._size >= limit or not self._ready() or self._closed, wait_s)
            batch: list[T] = []
            while len(batch) < limit and self._ready():
                batch.append(self._take())
                self._size -= 1
            self._changed.notify_all()
            return batch

    def close(self) -> None:
        """No more items will come; what is queued can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return self._size

    def _over(self) -> bool:
        return self._closed and not self._size

    def _ready(self) -> bool:
        """Whether there is something to take now."""
        return self._size > 0

    def _add(self, item: T) -> None:
        self._items.append(item)

    def _take(self) -> T:
        return self._items.popleft()


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


class Stage(Generic[T]):
    """Runs `work` on batches of `channel` in `threads` threads until the channel is closed and empty.

    A batch is what is queued, `batch_size` at most; after a wait for a first item, `wait_s` are given to more. Where `work` fails
    on a batch, its items are tried one by one, and `work` leaves out those that it was done with; an item that fails alone goes
    to `give_up(item, error)`: a poison frame neither ends the thread nor takes down the frames that happened to be beside it.
    """

    def __init__(
        self,
        name: str,
        channel: Channel[T],
        work: Callable[[Sequence[T]], None],
        give_up: Callable[[T, Exception], None],
        *,
        threads: int = 1,
        batch_size: int = 1,
        wait_s: float = 0.0,
    ) -> None:
        self.name = name
        self._channel, self._work, self._give_up = channel, work, give_up
        self._batch_size, self._wait_s = batch_size, wait_s
        self._busy_s = [0.0] * threads
        self._beats = [Heartbeat() for _ in range(threads)]
        self._threads = [vital_thread(self._run, f"{name}-{i}", (i,)) for i in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self, timeout_s: float) -> None:
        """Close the channel and wait until everything in it is done."""
        self._channel.close()
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def silent_s(self) -> float:
        """For how long the slowest thread has been at its batch; 0 where all wait for one."""
        return max(beat.silent_s() for beat in self._beats)

    def busy_s(self) -> float:
        """Seconds of work so far, a thread on average."""
        return sum(self._busy_s) / len(self._busy_s)

    def _run(self, number: int) -> None:
        while batch := self._channel.get_batch(self._batch_size, self._wait_s):
            started = time.perf_counter()
            self._beats[number].beat()
            self._attempt(batch)
            self._beats[number].rest()
            took_s = time.perf_counter() - started
            self._busy_s[number] += took_s
            if self._batch_size > 1:
                log.debug("%s: a batch of %d in %.1f ms", self.name, len(batch), 1000 * took_s)

    def _attempt(self, batch: Sequence[T]) -> None:
        try:
            self._work(batch)
        except Exception as error:  # noqa: BLE001 - one broken frame must neither end the thread nor take others with it
            if len(batch) == 1:
                self._give_up(batch[0], error)
                return
            for item in batch:
                self._attempt([item])
