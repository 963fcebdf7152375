"""A stage of the worker: a bounded queue of what waits for it, and threads that take batches from there and work on them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.threads import vital_thread

log = logging.getLogger(__name__)

T = TypeVar("T")
Put = TypeVar("Put", contravariant=True)


class Outlet(Protocol[Put]):
    """Where a stage leaves what it is done with."""

    def put(self, item: Put) -> None: ...


class Dispatcher(Generic[T]):
    """An outlet that puts each item into one of several channels: that at `index_of(item)`."""

    def __init__(self, channels: Sequence["Channel[T]"], index_of: Callable[[T], int]) -> None:
        self._channels, self._index_of = channels, index_of

    def put(self, item: T) -> None:
        self._channels[self._index_of(item)].put(item)


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
