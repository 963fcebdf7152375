"""A stage of the worker: threads that take batches from a channel and work on them."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ferstream.workers.pipeline.queues import Channel

log = logging.getLogger(__name__)

T = TypeVar("T")


class Stage(Generic[T]):
    """Runs `work` on batches of `channel` in `threads` threads until the channel is closed and empty.

    A batch is what is queued, `batch_size` at most; after a wait for a first item, `wait_s` are given to more. Where `work` fails
    on a batch, its items are tried one by one; an item that fails alone goes to `give_up(item, error)`: a poison frame neither
    ends the thread nor takes down the frames that happened to be beside it.
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
        self._threads = [threading.Thread(target=self._run, args=(i,), name=f"{name}-{i}", daemon=True) for i in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self, timeout_s: float) -> None:
        """Close the channel and wait until everything in it is done."""
        self._channel.close()
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def busy_s(self) -> float:
        """Seconds of work so far, a thread on average."""
        return sum(self._busy_s) / len(self._busy_s)

    def _run(self, number: int) -> None:
        while batch := self._channel.get_batch(self._batch_size, self._wait_s):
            started = time.perf_counter()
            self._attempt(batch)
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
