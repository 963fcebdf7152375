"""What a subscriber says to Redis, and in which order: connect, acknowledge, read, and wait out what fails."""

import logging
import time
from dataclasses import dataclass

from ferstream.consumer.subscribe.readers import GroupReader, PositionReader, ResultReader
from ferstream.consumer.subscribe.result_buffer import ResultBuffer
from ferstream.consumer.subscribe.shard_rotation import ShardRotation, ShardVisit
from ferstream.consumer.subscribe.shards import Effects, Poll, Shards, Sleep
from ferstream.streams.errors import GroupGone, StoreError, StoreFull, StoreUnavailable
from ferstream.streams.redis_client.connect import MAX_BLOCK_S
from ferstream.streams.service.backoff import Backoff

log = logging.getLogger(__name__)

#: Seconds until the first and between later tries to reach Redis again.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
#: A wait in slices, so that a caller that wants to leave is asked this often.
SLICE_S = 0.5
#: While nothing comes, look this often whether the streams are still the same.
CHECK_STREAMS_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeOptions:
    """What the caller asked for; see ResultSubscriber. `cluster`: Redis is a Redis Cluster."""

    from_: str
    prefix: str
    shards: int | None
    cameras: frozenset[str] | None
    order_window_s: float
    repeats: bool
    group: str | None
    consumer: str | None
    claim_after_s: float
    idle_timeout_s: float | None
    block_s: float
    cluster: bool


class Session:
    """Reads the results of all shards into `buffer`, over restarts and deletions of everything.

    It does no I/O: `run` and `leave` are generators of effects, which the blocking and the asyncio subscriber perform.
    """

    def __init__(self, options: SubscribeOptions) -> None:
        self._options = options
        self.shards = Shards(options.from_, options.prefix, options.shards)
        self.buffer = ResultBuffer(
            self.shards,
            cameras=options.cameras,
            order_window_s=options.order_window_s,
            repeats=options.repeats,
            acknowledging=options.group is not None,
        )
        self._reader: ResultReader = (
            GroupReader(self.shards, self.buffer.feed, options.group, options.consumer, options.claim_after_s)
            if options.group
            else PositionReader(self.shards, self.buffer.feed)
        )
        self._rotation = ShardRotation(self.shards, self._reader.open, self._reader.read_shard) if options.cluster else None
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, healthy_after_s=0.0)
        self._outage_told = False
        self._news_at = self._check_streams_at = 0.0
        self.connected = False

    def run(self) -> Effects:
        """Everything, until nothing came for the idle time-out. Raises StoreError where trying again will not help."""
        self._news_at = time.monotonic()
        while not self._idle():
            try:
                yield from self._connect()
                while not self._idle():
                    yield from self._round()
            except (StoreUnavailable, StoreFull) as error:
                yield from self._wait_out(error)
            except GroupGone:  # deleted under us: made again from where we were
                log.warning("the results or their consumer group were deleted; going on with new ones")
                yield Sleep(FIRST_WAIT_S)
        self.buffer.release()
        yield Poll()
        yield from self.leave()

    def leave(self) -> Effects:
        """Acknowledge what the caller is done with, and take this member out of its group."""
        try:
            yield from self._each_shard(self._acknowledge)
            if self.shards.positions:
                yield from self._each_shard(self._reader.leave)
        except StoreError as error:  # what stays pending, the next one with this name reads again, or another claims
            log.info("could not take leave of Redis: %s", error)

    def _connect(self) -> Effects:
        yield from self.shards.find()
        yield from self._open()
        if self._outage_told:
            log.info("Redis answers again")
        log.debug("results of %d shards of %s, after %s", len(self.shards.numbers), self.shards.keys.prefix, self.shards.token())
        self._backoff.succeeded()
        self._outage_told, self.connected = False, True

    def _round(self) -> Effects:
        # Acknowledged after yielding: what the caller has asked beyond is done with, what it still has in hand is not. And before
        # reading more: after a crash what one read brought comes again, and never more.
        yield from self._each_shard(self._acknowledge)
        before = self.shards.received
        yield from self._read()
        if self.shards.received > before:
            self._news_at = time.monotonic()
        elif time.monotonic() >= self._check_streams_at:
            self._check_streams_at = time.monotonic() + CHECK_STREAMS_S
            yield from self._check_streams()
        self.buffer.release(time.monotonic())
        yield Poll()

    def _open(self) -> Effects:
        if self._rotation:
            yield from self._rotation.open()
        else:
            yield from self._each_shard(self._reader.open)

    def _read(self) -> Effects:
        yield from self._rotation.read(self._block_ms()) if self._rotation else self._reader.read_all(self._block_ms())

    def _each_shard(self, visit: ShardVisit) -> Effects:
        """All of them; on a cluster those that answer, so that one that is away holds up no other."""
        if self._rotation:
            yield from self._rotation.each_in_reach(visit)
        else:
            for shard in self.shards.numbers:
                yield from visit(shard)

    def _acknowledge(self, shard: int) -> Effects:
        """What the caller is done with. What could not be acknowledged stays in the buffer for the next time."""
        while entry_ids := self.buffer.to_acknowledge(shard):
            yield from self._reader.acknowledge(shard, entry_ids)
            self.buffer.acknowledged(shard, entry_ids)

    def _check_streams(self) -> Effects:
        """While nothing comes: are there more shards now, or new streams under the old names?"""
        before = self.shards.keys.shards
        yield from self.shards.count_again()
        yield from self._each_shard(self.shards.notice_new_stream)
        if self.shards.keys.shards != before:
            yield from self._open()

    def _block_ms(self) -> int:
        now = time.monotonic()
        waits = [self._options.block_s, MAX_BLOCK_S]
        if (next_at := self.buffer.next_at()) is not None:
            waits.append(next_at - now)
        if self._options.idle_timeout_s is not None:
            waits.append(self._news_at + self._options.idle_timeout_s - now)
        return max(1, int(min(waits) * 1000))

    def _idle(self) -> bool:
        timeout_s = self._options.idle_timeout_s
        return timeout_s is not None and time.monotonic() - self._news_at >= timeout_s

    def _wait_out(self, error: StoreError) -> Effects:
        """Wait before the next try; told once for each outage."""
        if not self._outage_told:
            log.warning("%s; trying again until it answers", error)
        self._outage_told, self.connected = True, False
        until = time.monotonic() + self._backoff.failed()
        while (left_s := until - time.monotonic()) > 0 and not self._idle():
            self.buffer.release(time.monotonic())
            yield Poll()
            yield Sleep(min(left_s, SLICE_S))
