"""Reading all shards at once, a task for each, over outages of any of them."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import redis.asyncio

from ferstream.consumer.subscribe.audit import AuditLine, write_line
from ferstream.consumer.subscribe.delivery_buffer import DeliveryBuffer
from ferstream.consumer.subscribe.readers import PAGE, Entry, PositionReader
from ferstream.consumer.subscribe.shards import ShardPosition, Shards, last_id, order
from ferstream.streams.errors import GroupGone, StoreError, StoreFull, StoreUnavailable
from ferstream.streams.redis_client.connect import MAX_BLOCK_S, connect_async, is_cluster
from ferstream.streams.service.backoff import Backoff

log = logging.getLogger(__name__)

#: Seconds until the first and between later tries to reach Redis again.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
#: As long as Redis does not say how many shards there are, it is asked this often.
COUNT_SHARDS_S = 2.0
CANCEL_AGAIN_S = 0.1


class Session:
    """Fills `buffer` while the caller wants more. Lives in one event loop, from `start` to its end; may be started again.

    Each shard has a task of its own: on a Redis Cluster each may be on another server, and one that hangs holds up no other.
    """

    def __init__(
        self,
        url: str,
        shards: Shards,
        buffer: DeliveryBuffer[Any, Any],
        make_reader: Callable[[redis.asyncio.Redis, str, ShardPosition], PositionReader],
        *,
        audit: AuditLine,
        idle_timeout_s: float | None,
        block_s: float,
    ) -> None:
        self._url, self._cluster = url, is_cluster(url)
        self._audit = audit
        self._shards, self._buffer, self._make_reader = shards, buffer, make_reader
        self._idle_timeout_s = math.inf if idle_timeout_s is None else idle_timeout_s
        self._block_s = min(block_s, MAX_BLOCK_S)
        self._task: asyncio.Task[None] | None = None
        self._answers: dict[str, bool] = {}  # where: whether it answered last
        self._gave = False

    @property
    def running(self) -> bool:
        """Whether it was started, and did not end since."""
        return self._task is not None

    @property
    def connected(self) -> bool:
        """Whether Redis answered last; on a cluster, whether any shard did."""
        return self.running and True in self._answers.values()

    async def start(self) -> None:
        """Begin to read, where that was not begun."""
        self._quiet_since = time.monotonic()
        if self._task is None:
            self._wanted, self._news = asyncio.Event(), asyncio.Event()
            self._answers.clear()
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(lambda _: self._news.set())

    async def more(self) -> bool:
        """Wait for something for the caller, `block_s` at most. False at the end: nothing came for the idle time-out, or `close`.

        Raises StoreError where trying again will not help.
        """
        if self._gave:  # what the caller took for itself was no silence of ours
            self._quiet_since = time.monotonic()
        if self._task and not self._buffer.ready:
            await self._wait_for_news(self._task)
        if self._task is None:
            return False
        idle = self._silence_left_s() <= 0
        self._buffer.release(math.inf if idle else time.monotonic())
        self._gave = self._buffer.ready and not idle
        if idle and not self._buffer.ready:
            await self.close()
        return self.running

    async def close(self) -> None:
        """Acknowledge what the caller is done with, leave the group, close the connections; whoever waits for `more` ends."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])

    async def _wait_for_news(self, task: "asyncio.Task[None]") -> None:
        self._news.clear()
        self._wanted.set()
        waits = [self._block_s, self._silence_left_s()]
        if (next_at := self._buffer.next_at()) is not None:
            waits.append(next_at - time.monotonic())
        if not task.done():
            await _is_set(self._news, within_s=max(0.0, min(waits)))
        if task.done() and self._task:
            self._task = None
            task.result()

    def _silence_left_s(self) -> float:
        """Until the idle time-out, which begins when Redis has answered, or has failed to."""
        return self._idle_timeout_s - (time.monotonic() - self._quiet_since if self._answers else 0.0)

    async def _run(self) -> None:
        """Find the shards, read each in a task of its own, and take leave of them."""
        readers: list[PositionReader] = []
        tasks: list[asyncio.Task[None]] = []
        async with aclosing(connect_async(self._url)) as client:
            try:
                while True:
                    await self._persist("", partial(self._shards.find, client))
                    if not readers:
                        await write_line(client, self._shards.keys, self._audit)
                    if len(readers) < len(self._shards.positions):
                        prefix, count = self._shards.keys.prefix, self._shards.keys.shards
                        log.debug("reading %d shards of %s, after %s", count, prefix, self._shards.token())
                    for shard in range(len(readers), len(self._shards.positions)):
                        reader = self._make_reader(client, self._shards.stream(shard), self._shards.positions[shard])
                        readers.append(reader)
                        tasks.append(asyncio.create_task(self._persist(self._where(shard), partial(self._read, shard, reader))))
                    await self._watch(tasks)
            finally:
                await _end(tasks)
                await asyncio.gather(*(self._leave(shard, reader) for shard, reader in enumerate(readers)))

    async def _watch(self, tasks: "list[asyncio.Task[None]]") -> None:
        """Until it is time to count the shards again, if ever. Raises what ends one of the tasks."""
        # A cancellation that comes while redis-py sends a command gets lost on Python 3.11, in its `asyncio.wait_for`.
        if (this := asyncio.current_task()) and this.cancelling():
            raise asyncio.CancelledError
        wait_s = None if self._shards.counted else COUNT_SHARDS_S
        done, _ = await asyncio.wait(tasks, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _read(self, shard: int, reader: PositionReader) -> None:
        """Page after page, each when the caller has taken what is ready, and is done with the one before."""
        await self._notice_new_stream(shard, reader)
        await reader.open()
        self._quiet_since = time.monotonic()
        while True:
            self._answered(self._where(shard))
            await reader.renew()
            if not await _is_set(self._wanted, within_s=reader.patience_s):
                continue
            await self._acknowledge(shard, reader)
            if entries := await reader.read(self._block_s):
                self._receive(shard, entries)
            else:
                await self._notice_new_stream(shard, reader)

    def _receive(self, shard: int, entries: list[Entry]) -> None:
        self._buffer.feed(shard, entries)
        self._quiet_since = time.monotonic()
        self._news.set()
        if self._buffer.ready:
            self._wanted.clear()

    async def _notice_new_stream(self, shard: int, reader: PositionReader) -> None:
        """A stream whose last id is older than what we read of it was deleted and made anew: begin at its beginning."""
        if reader.position.moved and order(await last_id(reader.client, reader.stream)) < order(reader.position.cursor):
            self._buffer.begin_again(shard)

    async def _acknowledge(self, shard: int, reader: PositionReader) -> None:
        """What the caller is done with. What could not be acknowledged stays in the buffer for the next time."""
        while entry_ids := self._buffer.to_acknowledge(shard)[:PAGE]:
            await reader.acknowledge(entry_ids)
            self._buffer.acknowledged(shard, entry_ids)

    async def _leave(self, shard: int, reader: PositionReader) -> None:
        """What stays pending where Redis is away, the next one with this name reads again, or another claims."""
        if self._answers.get(self._where(shard)):
            try:
                await self._acknowledge(shard, reader)
                await reader.leave()
            except StoreError as error:
                log.info("could not take leave of Redis: %s", error)

    async def _persist(self, where: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do it, over outages."""
        backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        while True:
            backoff.succeeded()  # unless it fails at once: what holds for seconds was healthy
            try:
                return await step()
            except (StoreUnavailable, StoreFull) as error:
                self._failed(where, error)
                await asyncio.sleep(backoff.failed())
            except GroupGone:  # deleted under us: made again from where we were
                log.warning("the stream or its consumer group was deleted; going on with new ones")
                await asyncio.sleep(FIRST_WAIT_S)

    def _where(self, shard: int) -> str:
        """What answers or fails as one: each shard of a cluster, all of a single Redis."""
        return f"shard {shard}: " if self._cluster else ""

    def _answered(self, where: str) -> None:
        if self._answers.get(where) is False:
            log.info("%sRedis answers again", where)
        self._answers[where] = True

    def _failed(self, where: str, error: StoreError) -> None:
        """Told once for each outage."""
        if self._answers.get(where) is not False:
            log.warning("%s%s; trying again until it answers", where, error)
        self._answers[where] = False


async def _is_set(event: asyncio.Event, *, within_s: float | None) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    """Cancel them until they end: the first time may get lost, see `_watch`."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
