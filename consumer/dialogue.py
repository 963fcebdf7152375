"""What a subscriber says to Redis, and in which order, with no I/O: one generator, driven by a blocking or an async client.

It yields Command (the driver sends back the reply, or throws in the translated error), Pause, and Look: time for the caller
to look what the intake has ready.
"""

import logging
import os
import random
import socket
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from consumer.intake import Intake
from consumer.position import BEGINNING, ShardPosition, order, parse_position
from streams.connection import MAX_BLOCK_S
from streams.errors import FerstreamError, GroupGone, RedisError, RedisFull, RedisUnavailable
from streams.keys import Keys

log = logging.getLogger(__name__)

#: Seconds until the first and between later tries to reach Redis again; each with jitter of half of it.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
#: A pause in slices, so that a caller that wants to leave is asked this often.
SLICE_S = 0.5
#: Empty reads look this often whether the stream was made anew.
LOOK_S = 2.0
#: Entries taken from a shard in one read, claimed in one look, acknowledged in one command.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Command:
    """To be executed; its reply is sent back."""

    arguments: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """The intake may have something ready; also comes while there is nothing, so that the caller may leave."""


Step = Command | Pause | Look
Steps = Generator[Step, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the caller asked for; see ResultSubscriber."""

    from_: str
    prefix: str
    shards: int | None
    group: str | None
    consumer: str | None
    claim_after_s: float
    idle_timeout_s: float | None
    block_s: float


class Dialogue:
    """Reads the results of all shards from a position, or through a group, over restarts and deletions of everything."""

    def __init__(self, terms: Terms, intake: Intake) -> None:
        self._terms, self._intake = terms, intake
        self._start = parse_position(terms.from_)
        self._keys = Keys(terms.prefix, terms.shards or 1)
        self._shards_known = terms.shards is not None
        self._cursors: list[str] = []  # read up to here, which is further than the position while results wait
        self._pending: list[tuple[int, str]] = []  # own pending entries to look at: shard and where
        self._consumer = terms.consumer or f"{socket.gethostname()}-{os.getpid()}-{random.randrange(16**4):04x}"
        self._news_at = time.monotonic()
        self._look_at = self._claim_at = 0.0
        self._failures = 0
        self.connected = False

    def position(self) -> str:
        if not self._intake.shards:
            return self._terms.from_
        return ",".join(shard.id for shard in self._intake.shards)

    def steps(self) -> Steps:
        """Everything, until nothing came for the idle time-out. Raises RedisError where trying again will not help."""
        self._news_at = time.monotonic()
        while not self._idle():
            try:
                yield from self._open()
                while not self._idle():
                    yield from self._round()
                    self._intake.release(time.monotonic())
                    yield Look()
            except (RedisUnavailable, RedisFull) as error:
                yield from self._wait_out(error)
            except GroupGone:  # deleted under us: made again from where we were
                log.warning("the results or their consumer group %s were deleted; making the group again", self._terms.group)
                yield Pause(FIRST_WAIT_S)
        self._intake.release()
        yield Look()
        yield from self.leave()

    def leave(self) -> Steps:
        """The last words: acknowledge what is done with, take an idle consumer out of the group."""
        try:
            yield from self._acknowledge()
            if self._terms.group and self._intake.shards:
                for shard in range(self._keys.shards):
                    yield from self._leave_group(self._keys.results(shard), self._terms.group)
        except RedisError as error:  # whatever stays pending, the next one with this name reads again, or another claims
            log.info("could not take leave of Redis: %s", error)

    def _leave_group(self, stream: str, group: str) -> Steps:
        told = yield Command(("XPENDING", stream, group))
        pending = {consumer["name"].decode() for consumer in told["consumers"]}
        if self._consumer not in pending:  # deleting a consumer throws its pending entries away
            yield Command(("XGROUP DELCONSUMER", stream, group, self._consumer))

    # ---- opening

    def _open(self) -> Steps:
        if not self._shards_known:
            yield from self._ask_shards()
        if not self._intake.shards:
            yield from self._find_start()
        for shard in range(self._keys.shards):
            yield from self._notice_new_stream(shard)
            if self._terms.group:
                yield from self._make_group(shard, self._terms.group)
        self._pending = [(shard, BEGINNING) for shard in range(self._keys.shards)] if self._terms.group else []
        if self._failures:
            log.info("Redis answers again")
        self._failures, self.connected = 0, True

    def _ask_shards(self) -> Steps:
        told = yield Command(("GET", self._keys.shard_count))
        self._shards_known = told is not None
        self._keys = Keys(self._terms.prefix, max(1, int(told or 1)))
        # Streams that the deployment got after we had begun are new from their first entry.
        while self._intake.shards and len(self._intake.shards) < self._keys.shards:
            self._intake.shards.append(ShardPosition(BEGINNING))
            self._cursors.append(BEGINNING)

    def _find_start(self) -> Steps:
        start = list(self._start or [])
        if self._start is None:
            # The end as of now: "$" in every read would miss what comes between two of them.
            for shard in range(self._keys.shards):
                last = yield Command(("XREVRANGE", self._keys.results(shard), "+", "-", "COUNT", 1))
                start.append(last[0][0].decode() if last else BEGINNING)
        if len(start) == 1:
            start *= self._keys.shards
        if len(start) != self._keys.shards:
            raise FerstreamError(f"the position names {len(start)} shards, the deployment has {self._keys.shards}")
        self._cursors = start
        self._intake.shards += [ShardPosition(entry_id) for entry_id in start]

    def _make_group(self, shard: int, group: str) -> Steps:
        after = self._intake.shards[shard].id
        try:
            yield Command(("XGROUP CREATE", self._keys.results(shard), group, after, "MKSTREAM"))
        except RedisError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _notice_new_stream(self, shard: int) -> Steps:
        """A stream whose last id is older than what we read of it was deleted and made anew: begin at its beginning."""
        if self._intake.received == 0:
            return
        try:
            about = yield Command(("XINFO STREAM", self._keys.results(shard)))
            last = about["last-generated-id"].decode()
        except GroupGone:  # no such stream (yet)
            last = BEGINNING
        if order(last) < order(self._cursors[shard]):
            self._cursors[shard] = BEGINNING
            self._intake.shards[shard].begin_again()

    # ---- reading

    def _round(self) -> Steps:
        yield from self._acknowledge()
        before = self._intake.received
        if not self._terms.group:
            yield from self._read_after()
        elif self._pending:
            yield from self._read_pending(self._terms.group)
        else:
            yield from self._claim(self._terms.group)
            yield from self._read_new(self._terms.group)
        if self._intake.received > before:
            self._news_at = time.monotonic()
        elif time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_S
            yield from self._look_around()

    def _look_around(self) -> Steps:
        if not self._shards_known:
            yield from self._ask_shards()
        if not self._terms.group:
            for shard in range(self._keys.shards):
                yield from self._notice_new_stream(shard)

    def _read_after(self) -> Steps:
        names = [self._keys.results(shard) for shard in range(self._keys.shards)]
        reply = yield Command(("XREAD", "COUNT", PAGE, "BLOCK", self._block_ms(), "STREAMS", *names, *self._cursors))
        for shard, entry_id, fields in self._entries(reply):
            self._cursors[shard] = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())

    def _read_new(self, group: str) -> Steps:
        names = [self._keys.results(shard) for shard in range(self._keys.shards)]
        reader = ("XREADGROUP", "GROUP", group, self._consumer, "COUNT", PAGE, "BLOCK", self._block_ms())
        reply = yield Command((*reader, "STREAMS", *names, *[">" for _ in names]))
        for shard, entry_id, fields in self._entries(reply):
            self._cursors[shard] = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())

    def _read_pending(self, group: str) -> Steps:
        """A page of what was delivered to us before and not acknowledged."""
        shard, after = self._pending.pop()
        reply = yield Command(
            ("XREADGROUP", "GROUP", group, self._consumer, "COUNT", PAGE, "STREAMS", self._keys.results(shard), after)
        )
        for _, entry_id, fields in self._entries(reply):
            after = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())
        if any(True for _ in self._entries(reply)):
            self._pending.append((shard, after))

    def _claim(self, group: str) -> Steps:
        """Take over what a dead consumer left."""
        if time.monotonic() < self._claim_at:
            return
        self._claim_at = time.monotonic() + self._terms.claim_after_s / 2
        idle_ms = int(self._terms.claim_after_s * 1000)
        for shard in range(self._keys.shards):
            stream = self._keys.results(shard)
            reply = yield Command(("XAUTOCLAIM", stream, group, self._consumer, idle_ms, BEGINNING, "COUNT", PAGE))
            claimed = [(entry_id, fields) for entry_id, fields in reply[1] if entry_id is not None]
            for entry_id, fields in claimed:
                self._intake.feed(shard, entry_id.decode(), fields, time.monotonic())
            if len(reply) > 2:  # Redis 7 lists trimmed entries and has taken them off the pending list
                self._intake.lost += len(reply[2])
            if len(claimed) == PAGE:
                self._claim_at = 0.0

    def _acknowledge(self) -> Steps:
        done = self._intake.drain_done()
        for shard in list(done):
            ids = done[shard]
            while ids:
                try:
                    yield Command(("XACK", self._keys.results(shard), str(self._terms.group), *ids[:PAGE]))
                except RedisError:
                    self._intake.not_acknowledged(done)
                    raise
                self._intake.acknowledged(shard, ids[:PAGE])
                del ids[:PAGE]

    def _entries(self, reply: Any) -> Generator[tuple[int, str, dict[bytes, bytes] | None], None, None]:  # noqa: ANN401 - redis-py's
        numbers = {self._keys.results(shard).encode(): shard for shard in range(self._keys.shards)}
        for name, listed in reply.items() if isinstance(reply, dict) else reply or ():
            for entry_id, fields in listed:
                yield numbers[name], entry_id.decode(), fields

    # ---- time

    def _block_ms(self) -> int:
        now = time.monotonic()
        waits = [self._terms.block_s, MAX_BLOCK_S]
        if (next_at := self._intake.next_at()) is not None:
            waits.append(next_at - now)
        if self._terms.idle_timeout_s is not None:
            waits.append(self._news_at + self._terms.idle_timeout_s - now)
        return max(1, int(min(waits) * 1000))

    def _idle(self) -> bool:
        timeout_s = self._terms.idle_timeout_s
        return timeout_s is not None and time.monotonic() - self._news_at >= timeout_s

    def _wait_out(self, error: RedisError) -> Steps:
        """Wait before the next try; told once for each outage."""
        if not self._failures:
            log.warning("%s; trying again until it answers", error)
        self.connected = False
        self._failures += 1
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures - 1, 10)) * random.uniform(0.5, 1.5)
        until = time.monotonic() + wait_s
        while (left_s := until - time.monotonic()) > 0 and not self._idle():
            self._intake.release(time.monotonic())
            yield Look()
            yield Pause(min(left_s, SLICE_S))
