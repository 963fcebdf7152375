"""The two ways of reading results: from a position, or as a member of a group."""

import os
import random
import socket
import time

from consumer.commands import PAGE, Command, Steps, entries
from consumer.intake import Intake
from consumer.position import BEGINNING
from consumer.shards import Shards
from streams.errors import RedisError


class PositionReading:
    """Everything after the cursors."""

    def __init__(self, shards: Shards, intake: Intake) -> None:
        self._shards, self._intake = shards, intake

    def open(self) -> Steps:
        """After each connection."""
        for shard in self._shards.numbers:
            yield from self._shards.notice_new_stream(shard)

    def read(self, block_ms: int) -> Steps:
        keys, cursors = self._shards.keys, self._shards.cursors
        names = [keys.results(shard) for shard in self._shards.numbers]
        reply = yield Command(("XREAD", "COUNT", PAGE, "BLOCK", block_ms, "STREAMS", *names, *cursors))
        for shard, entry_id, fields in entries(reply, keys):
            cursors[shard] = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())

    def acknowledge(self) -> Steps:
        """Nobody waits for it."""
        yield from ()

    def leave(self) -> Steps:
        """Nobody notices."""
        yield from ()


class GroupReading:
    """Own pending entries first, then those that a dead member left, then new ones; acknowledged when done with."""

    def __init__(self, shards: Shards, intake: Intake, group: str, consumer: str | None, claim_after_s: float) -> None:
        self._shards, self._intake, self._group = shards, intake, group
        self._consumer = consumer or f"{socket.gethostname()}-{os.getpid()}-{random.randrange(16**4):04x}"
        self._claim_after_s = claim_after_s
        self._claim_at = 0.0
        self._pending: list[tuple[int, str]] = []  # own pending entries still to look at: shard and after which

    def open(self) -> Steps:
        """After each connection: make the group where it is missing, from where we are. What a lost reply held is pending."""
        for shard in self._shards.numbers:
            yield from self._shards.notice_new_stream(shard)
            after = self._intake.shards[shard].id
            try:
                yield Command(("XGROUP CREATE", self._shards.keys.results(shard), self._group, after, "MKSTREAM"))
            except RedisError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        self._pending = [(shard, BEGINNING) for shard in self._shards.numbers]

    def read(self, block_ms: int) -> Steps:
        if self._pending:
            yield from self._read_pending()
            return
        if time.monotonic() >= self._claim_at:
            yield from self._claim()
        keys = self._shards.keys
        names = [keys.results(shard) for shard in self._shards.numbers]
        reply = yield Command((*self._reader, "BLOCK", block_ms, "STREAMS", *names, *[">" for _ in names]))
        for shard, entry_id, fields in entries(reply, keys):
            self._shards.cursors[shard] = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())

    def acknowledge(self) -> Steps:
        """What the caller is done with. What could not be acknowledged is kept for the next time."""
        done = self._intake.drain_done()
        for shard, ids in done.items():
            while ids:
                try:
                    yield Command(("XACK", self._shards.keys.results(shard), self._group, *ids[:PAGE]))
                except RedisError:
                    self._intake.not_acknowledged(done)
                    raise
                self._intake.acknowledged(shard, ids[:PAGE])
                del ids[:PAGE]

    def leave(self) -> Steps:
        """Take this member out of the group, unless it has pending entries, which that would throw away."""
        for shard in self._shards.numbers if self._intake.shards else ():
            stream = self._shards.keys.results(shard)
            told = yield Command(("XPENDING", stream, self._group))
            if self._consumer not in {consumer["name"].decode() for consumer in told["consumers"]}:
                yield Command(("XGROUP DELCONSUMER", stream, self._group, self._consumer))

    @property
    def _reader(self) -> tuple[str | int, ...]:
        return ("XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", PAGE)

    def _read_pending(self) -> Steps:
        """A page of what was delivered to us before and not acknowledged."""
        shard, after = self._pending.pop()
        keys, before = self._shards.keys, after
        reply = yield Command((*self._reader, "STREAMS", keys.results(shard), after))
        for _, entry_id, fields in entries(reply, keys):
            after = entry_id
            self._intake.feed(shard, entry_id, fields, time.monotonic())
        if after != before:
            self._pending.append((shard, after))

    def _claim(self) -> Steps:
        """Take over what a dead member left."""
        self._claim_at = time.monotonic() + self._claim_after_s / 2
        idle_ms = int(self._claim_after_s * 1000)
        for shard in self._shards.numbers:
            stream = self._shards.keys.results(shard)
            reply = yield Command(("XAUTOCLAIM", stream, self._group, self._consumer, idle_ms, BEGINNING, "COUNT", PAGE))
            claimed = [(entry_id, fields) for entry_id, fields in reply[1] if entry_id is not None]
            for entry_id, fields in claimed:
                self._intake.feed(shard, entry_id.decode(), fields, time.monotonic())
            if len(reply) > 2:  # Redis 7 lists trimmed entries and has taken them off the pending list
                self._intake.lost += len(reply[2])
            if len(claimed) < len(reply[1]):  # Redis 6.2 gives them without an id and leaves them pending, now with us
                self._pending.append((shard, BEGINNING))
            if len(claimed) == PAGE:
                self._claim_at = 0.0
