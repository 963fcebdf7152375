"""The two ways of reading results: from a position, or as a member of a group."""

import os
import random
import socket
import time

from ferstream.consumer.subscribe.effects import PAGE, Command, Steps, entries
from ferstream.consumer.subscribe.position import BEGINNING
from ferstream.consumer.subscribe.result_buffer import Intake
from ferstream.consumer.subscribe.shard_rotation import Turns
from ferstream.consumer.subscribe.shards import Shards
from ferstream.streams.errors import StoreError, StoreUnavailable


class PositionReading:
    """Everything after the cursors."""

    def __init__(self, shards: Shards, intake: Intake) -> None:
        self._shards, self._intake = shards, intake
        self._turns = Turns(shards, intake, shards.notice_new_stream, self._read_shard)

    def open(self) -> Steps:
        """After each connection."""
        if self._shards.apart:
            yield from self._turns.begin()
            return
        for shard in self._shards.numbers:
            yield from self._shards.notice_new_stream(shard)

    def read(self, block_ms: int) -> Steps:
        if self._shards.apart:
            yield from self._turns.read(block_ms)
        else:
            yield from self._read(list(self._shards.numbers), "BLOCK", block_ms)

    def acknowledge(self) -> Steps:
        """Nobody waits for it."""
        yield from ()

    def leave(self) -> Steps:
        """Nobody notices."""
        yield from ()

    def _read_shard(self, shard: int) -> Steps:
        yield from self._read([shard])

    def _read(self, numbers: list[int], *waiting: str | int) -> Steps:
        keys, cursors = self._shards.keys, self._shards.cursors
        names, after = [keys.results(shard) for shard in numbers], [cursors[shard] for shard in numbers]
        reply = yield Command(("XREAD", "COUNT", PAGE, *waiting, "STREAMS", *names, *after))
        for shard, entry_id, fields in entries(reply, keys):
            cursors[shard] = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())


class GroupReading:
    """Own pending entries first, then those that a dead member left, then new ones; acknowledged when done with."""

    def __init__(self, shards: Shards, intake: Intake, group: str, consumer: str | None, claim_after_s: float) -> None:
        self._shards, self._intake, self._group = shards, intake, group
        self._consumer = consumer or f"{socket.gethostname()}-{os.getpid()}-{random.randrange(16**4):04x}"
        self._claim_after_s = claim_after_s
        self._claim_at: dict[int, float] = {}
        self._pending: dict[int, str] = {}  # own pending entries still to look at: after which, by shard
        self._turns = Turns(shards, intake, self._open_shard, self._read_shard)

    def open(self) -> Steps:
        """After each connection."""
        if self._shards.apart:
            yield from self._turns.begin()
            return
        for shard in self._shards.numbers:
            yield from self._open_shard(shard)

    def read(self, block_ms: int) -> Steps:
        if self._shards.apart:
            yield from self._turns.read(block_ms)
        elif self._pending:
            yield from self._read_pending(next(iter(self._pending)))
        else:
            for shard in self._shards.numbers:
                yield from self._claim(shard)
            yield from self._read(list(self._shards.numbers), "BLOCK", block_ms)

    def acknowledge(self) -> Steps:
        """What the caller is done with. What could not be acknowledged is kept for the next time."""
        done, failure = self._intake.drain_done(), None
        for shard, ids in done.items():
            if self._turns.is_away(shard):
                continue
            began_at = time.monotonic()
            try:
                yield from self._acknowledge_shard(shard, ids)
            except StoreError as error:
                # On a cluster a shard that is away holds up no other.
                if not (self._shards.apart and isinstance(error, StoreUnavailable)):
                    failure = error
                    break
                self._turns.failed(shard, error, time.monotonic() - began_at)
        self._intake.not_acknowledged(done)
        if failure:
            raise failure

    def leave(self) -> Steps:
        """Take this member out of the group, unless it has pending entries, which that would throw away."""
        for shard in self._shards.numbers if self._intake.shards else ():
            if self._turns.is_away(shard):
                continue
            stream = self._shards.keys.results(shard)
            told = yield Command(("XPENDING", stream, self._group))
            if self._consumer not in {consumer["name"].decode() for consumer in told["consumers"]}:
                yield Command(("XGROUP DELCONSUMER", stream, self._group, self._consumer))

    @property
    def _reader(self) -> tuple[str | int, ...]:
        return ("XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", PAGE)

    def _open_shard(self, shard: int) -> Steps:
        """Make the group where it is missing, from where we are. What a lost reply held is pending."""
        yield from self._shards.notice_new_stream(shard)
        after = self._intake.shards[shard].id
        try:
            yield Command(("XGROUP CREATE", self._shards.keys.results(shard), self._group, after, "MKSTREAM"))
        except StoreError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._pending[shard] = BEGINNING

    def _read_shard(self, shard: int) -> Steps:
        if shard in self._pending:
            yield from self._read_pending(shard)
        else:
            yield from self._claim(shard)
            yield from self._read([shard])

    def _read(self, numbers: list[int], *waiting: str | int) -> Steps:
        keys = self._shards.keys
        names = [keys.results(shard) for shard in numbers]
        reply = yield Command((*self._reader, *waiting, "STREAMS", *names, *[">" for _ in names]))
        for shard, entry_id, fields in entries(reply, keys):
            self._shards.cursors[shard] = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())

    def _acknowledge_shard(self, shard: int, ids: list[str]) -> Steps:
        """Takes those that are acknowledged out of `ids`."""
        while ids:
            yield Command(("XACK", self._shards.keys.results(shard), self._group, *ids[:PAGE]))
            self._intake.acknowledged(shard, ids[:PAGE])
            del ids[:PAGE]

    def _read_pending(self, shard: int) -> Steps:
        """A page of what was delivered to us before and not acknowledged."""
        keys, before = self._shards.keys, self._pending[shard]
        after = before
        reply = yield Command((*self._reader, "STREAMS", keys.results(shard), before))
        for _, entry_id, fields in entries(reply, keys):
            after = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())
        if after == before:
            del self._pending[shard]
        else:
            self._pending[shard] = after

    def _claim(self, shard: int) -> Steps:
        """Now and then: take over what a dead member left."""
        if time.monotonic() < self._claim_at.get(shard, 0.0):
            return
        self._claim_at[shard] = time.monotonic() + self._claim_after_s / 2
        idle_ms = int(self._claim_after_s * 1000)
        stream = self._shards.keys.results(shard)
        reply = yield Command(("XAUTOCLAIM", stream, self._group, self._consumer, idle_ms, BEGINNING, "COUNT", PAGE))
        claimed = [(entry_id, fields) for entry_id, fields in reply[1] if entry_id is not None]
        for entry_id, fields in claimed:
            self._intake.feed(shard, entry_id.decode(), fields, time.monotonic())
        if len(reply) > 2:  # Redis 7 lists trimmed entries and has taken them off the pending list
            self._intake.lost += len(reply[2])
        if len(claimed) < len(reply[1]):  # Redis 6.2 gives them without an id and leaves them pending, now with us
            self._pending[shard] = BEGINNING
        if len(claimed) == PAGE:
            self._claim_at[shard] = 0.0
