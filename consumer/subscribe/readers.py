"""The two ways of reading results: after a position, or as a member of a consumer group."""

import os
import random
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from ferstream.consumer.subscribe.shards import BEGINNING, PAGE, Effects, RedisCommand, ResultEntry, Shards
from ferstream.streams.errors import StoreError

#: What is done with each entry as it comes.
Receive = Callable[[ResultEntry], None]


class ResultReader(ABC):
    """Reads shard by shard, as a Redis Cluster needs it, or all shards in one command."""

    def __init__(self, shards: Shards, receive: Receive) -> None:
        self._shards, self._receive = shards, receive

    @abstractmethod
    def open(self, shard: int) -> Effects:
        """Get ready to read a shard: after each connection, and on a cluster after each failure of it."""

    @abstractmethod
    def read_shard(self, shard: int) -> Effects:
        """A page of one shard, without waiting for it."""

    @abstractmethod
    def read_all(self, block_ms: int) -> Effects:
        """A page of each shard, waiting so long for the first entry."""

    @abstractmethod
    def acknowledge(self, shard: int, entry_ids: list[str]) -> Effects:
        """The caller is done with these, PAGE at most."""

    @abstractmethod
    def leave(self, shard: int) -> Effects:
        """Nothing more will be read: put in order what Redis keeps of this reader."""

    def _receive_new(self, reply: object) -> None:
        for entry in self._shards.entries(reply):
            self._shards.positions[entry.shard].cursor = entry.entry_id
            self._receive(entry)


class PositionReader(ResultReader):
    """Everything after the cursors. Redis keeps nothing for such a reader: it knows itself where it is."""

    def open(self, shard: int) -> Effects:
        yield from self._shards.notice_new_stream(shard)

    def read_shard(self, shard: int) -> Effects:
        yield from self._read([shard])

    def read_all(self, block_ms: int) -> Effects:
        yield from self._read(list(self._shards.numbers), "BLOCK", block_ms)

    def acknowledge(self, shard: int, entry_ids: list[str]) -> Effects:
        yield from ()

    def leave(self, shard: int) -> Effects:
        yield from ()

    def _read(self, numbers: list[int], *waiting: str | int) -> Effects:
        names = [self._shards.streams[shard] for shard in numbers]
        after = [self._shards.positions[shard].cursor for shard in numbers]
        self._receive_new((yield RedisCommand(("XREAD", "COUNT", PAGE, *waiting, "STREAMS", *names, *after))))


class GroupReader(ResultReader):
    """Own pending entries first, then those that a dead member left, then new ones.

    XREADGROUP with ">" hands each entry to one member and notes it as pending with that member until XACK. Three things follow:

    - A reply that was lost on its way is not given again by ">": what it held is pending with us. So after each connection our
      own pending entries are read first, by ids from the beginning, and that also brings what we left when we crashed under
      the same consumer name. What the buffer still holds is not taken in twice.
    - What a member left that died for good stays pending with it: it is claimed once it was idle for `claim_after_s`.
    - An entry is acknowledged after the caller is done with it, never when it is read: at least once, and after a crash again.
    """

    def __init__(self, shards: Shards, receive: Receive, group: str, consumer: str | None, claim_after_s: float) -> None:
        super().__init__(shards, receive)
        self._group = group
        self._consumer = consumer or f"{socket.gethostname()}-{os.getpid()}-{random.randrange(16**4):04x}"
        self._claim_after_s = claim_after_s
        self._claim_at: dict[int, float] = {}
        self._pending: dict[int, str] = {}  # own pending entries still to look at: after which, by shard

    def open(self, shard: int) -> Effects:
        """Make the group where it is missing, from where we are, and read our own pending entries first."""
        yield from self._shards.notice_new_stream(shard)
        after = self._shards.positions[shard].id
        try:
            yield RedisCommand(("XGROUP CREATE", self._shards.streams[shard], self._group, after, "MKSTREAM"))
        except StoreError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._pending[shard] = BEGINNING

    def read_shard(self, shard: int) -> Effects:
        if shard in self._pending:
            yield from self._read_pending(shard)
        else:
            yield from self._claim(shard)
            yield from self._read([shard])

    def read_all(self, block_ms: int) -> Effects:
        if self._pending:
            yield from self._read_pending(next(iter(self._pending)))
        else:
            for shard in self._shards.numbers:
                yield from self._claim(shard)
            yield from self._read(list(self._shards.numbers), "BLOCK", block_ms)

    def acknowledge(self, shard: int, entry_ids: list[str]) -> Effects:
        # Safe to repeat after a lost reply: XACK of what is no longer pending does nothing.
        yield RedisCommand(("XACK", self._shards.streams[shard], self._group, *entry_ids))

    def leave(self, shard: int) -> Effects:
        """Take this member out of the group, unless it has pending entries: XGROUP DELCONSUMER would throw them away."""
        stream = self._shards.streams[shard]
        told = yield RedisCommand(("XPENDING", stream, self._group))
        if self._consumer not in {consumer["name"].decode() for consumer in told["consumers"]}:
            yield RedisCommand(("XGROUP DELCONSUMER", stream, self._group, self._consumer))

    @property
    def _command(self) -> tuple[str | int, ...]:
        return ("XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", PAGE)

    def _read(self, numbers: list[int], *waiting: str | int) -> Effects:
        names = [self._shards.streams[shard] for shard in numbers]
        self._receive_new((yield RedisCommand((*self._command, *waiting, "STREAMS", *names, *[">" for _ in names]))))

    def _read_pending(self, shard: int) -> Effects:
        """A page of what was delivered to us before and not acknowledged."""
        before = after = self._pending[shard]
        reply = yield RedisCommand((*self._command, "STREAMS", self._shards.streams[shard], before))
        for entry in self._shards.entries(reply):
            after = entry.entry_id
            self._receive(entry)
        if after == before:
            del self._pending[shard]
        else:
            self._pending[shard] = after

    def _claim(self, shard: int) -> Effects:
        """Now and then: take over what a dead member left."""
        if time.monotonic() < self._claim_at.get(shard, 0.0):
            return
        self._claim_at[shard] = time.monotonic() + self._claim_after_s / 2
        idle_ms = int(self._claim_after_s * 1000)
        stream = self._shards.streams[shard]
        reply = yield RedisCommand(("XAUTOCLAIM", stream, self._group, self._consumer, idle_ms, BEGINNING, "COUNT", PAGE))
        claimed = [(entry_id, fields) for entry_id, fields in reply[1] if entry_id is not None]
        for entry_id, fields in claimed:
            self._receive(ResultEntry(shard, entry_id.decode(), fields))
        if len(reply) > 2:  # Redis 7 lists trimmed entries and has taken them off the pending list
            for entry_id in reply[2]:
                self._receive(ResultEntry(shard, entry_id.decode(), None))
        if len(claimed) < len(reply[1]):  # Redis 6.2 gives them without an id and leaves them pending, now with us
            self._pending[shard] = BEGINNING
        if len(claimed) == PAGE:
            self._claim_at[shard] = 0.0
