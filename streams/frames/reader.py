"""Reading frames through a consumer group.

Redis delivers an entry to one consumer of the group and keeps it pending with that consumer until it is acknowledged. So no frame
is lost: a reply that never arrived leaves its entries pending with us, where the next read finds them, and what a worker that was
killed had pending is claimed by another one once nobody has renewed it for `claim_after_s`.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import redis

from ferstream.streams.errors import GroupGone, StoreError
from ferstream.streams.redis_client.commands import LuaScript, translated
from ferstream.streams.redis_client.connect import MAX_BLOCK_S
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Entries asked for in one look at a pending list.
PAGE = 64
#: Consumers with nothing pending that were silent for so long are taken out of the group; how often that is looked at.
FORGET_AFTER_S, FORGET_EVERY_S = 3600.0, 60.0

_RENEW = LuaScript(__file__, "renew")
_FORGET = LuaScript(__file__, "forget_consumers")


@dataclass(frozen=True, slots=True)
class Entry:
    """A frame's entry as Redis delivered it.

    `deliveries` counts how often it was delivered: a frame that kills workers is known by it. `claimed` tells that another worker
    had it before.
    """

    shard: int
    entry_id: str
    fields: dict[bytes, bytes]
    deliveries: int = 1
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class _Pending:
    """An entry of a pending list, and how often it was delivered."""

    entry_id: str
    deliveries: int


class FrameReader:
    """Takes frame entries for one consumer of the group. One thread reads; any thread may `release` and `renew`.

    It reads all shards, or those given: on a Redis Cluster each shard needs a reader of its own, as one XREADGROUP reads one slot
    only. An entry that was read is held, and is not read again, until it is released: ended, or left to another worker.
    """

    def __init__(
        self,
        client: "redis.Redis",
        keys: Keys,
        *,
        group: str,
        consumer: str,
        claim_after_s: float,
        shards: Sequence[int] | None = None,
    ) -> None:
        self._client, self._keys = client, keys
        self._group, self._consumer = group, consumer
        self._claim_after_s = claim_after_s
        self._held: set[tuple[int, str]] = set()
        self._lock = threading.Lock()  # of what is held
        self._look_at_pending = True
        self._first_life = True  # what is pending with us was delivered to an earlier process of our name
        self._claim_at = self._forget_at = 0.0
        self.shards = tuple(range(keys.shards) if shards is None else shards)
        self._turn = 0  # which of them claims next
        self._streams = {keys.frames(shard).encode(): shard for shard in self.shards}
        self.trimmed = 0  # pending entries that were not in the stream any more: somebody else ended them

    def join(self) -> None:
        """Make the streams and their group where they are missing. Raises StoreError, StoreUnavailable."""
        for shard in self.shards:
            stream = self._keys.frames(shard)
            try:  # Redis at its memory limit refuses XGROUP CREATE of what is there, too, and it is workers that make room
                with translated():
                    self._client.xpending(stream, self._group)
                log.debug("group %s joined on %s", self._group, stream)
            except GroupGone:
                self._make_group(stream)
        self._look_at_pending = True

    def read(self, count: int, block_s: float) -> list[Entry]:
        """Up to `count` entries, or one a shard where that is more. Waits up to `block_s` for new ones.

        First come entries that are pending with us after an error or a restart, then those that can be claimed, then new ones.
        Raises StoreUnavailable, and GroupGone: then `join` again.
        """
        try:
            if self._look_at_pending:
                if entries := self._own_pending(count):
                    return entries
                self._look_at_pending = self._first_life = False
            if time.monotonic() >= self._claim_at:
                self._claim_at = time.monotonic() + self._claim_after_s / 2
                if entries := self._claim(count):
                    return entries
            return self._new(count, min(block_s, MAX_BLOCK_S))
        except StoreError:
            # The reply may have been lost after Redis delivered its entries to us. Reading on with `>` would skip them, and they
            # would grow old until another worker may claim them.
            self._look_at_pending = True
            raise

    def release(self, entries: list[Entry]) -> None:
        """Hold these entries no longer: they were ended, or another worker may claim them."""
        with self._lock:
            self._held -= {(entry.shard, entry.entry_id) for entry in entries}

    def renew(self, client: "redis.Redis") -> int:
        """Say that we are still at work on what we hold, so that nobody claims it; through another client than the blocking one.

        Returns how many of them another worker has claimed all the same, since we were silent for too long: whoever ends such a
        frame first has ended it. Raises StoreError.
        """
        with self._lock:
            held = sorted(self._held)
        lost = 0
        for shard, entries in groupby(held, key=lambda each: each[0]):
            ids = [entry_id for _, entry_id in entries]
            still_ours = _RENEW.run(client, [self._keys.frames(shard)], self._group, self._consumer, *ids)
            with self._lock:  # less what was ended meanwhile
                lost += len({(shard, entry_id) for entry_id in ids} & self._held) - len(still_ours)
        return max(0, lost)

    def leave(self) -> None:
        """Take the consumer out of the group, unless it has pending entries: XGROUP DELCONSUMER would throw those away.

        A consumer that stays is harmless. Its entries are claimed by another worker when they have been idle long enough.
        """
        for shard in self.shards:
            stream = self._keys.frames(shard)
            with translated():
                consumers = self._client.xinfo_consumers(stream, self._group)
                if any(c["name"] == self._consumer.encode() and c["pending"] == 0 for c in consumers):
                    self._client.xgroup_delconsumer(stream, self._group, self._consumer)

    def pending(self, client: "redis.Redis") -> int:
        """Entries pending in the group, over these shards, asked through another client than the blocking one."""
        with translated():
            return sum(int(client.xpending(self._keys.frames(shard), self._group)["pending"]) for shard in self.shards)

    def _make_group(self, stream: str) -> None:
        try:
            with translated():
                # From 0, not from $: an entry that is in the stream has not been ended, even if the group was deleted.
                self._client.xgroup_create(stream, self._group, id="0", mkstream=True)
            log.debug("group %s made on %s", self._group, stream)
        except StoreError as error:
            if error.code != "BUSYGROUP":  # another worker made it just now
                raise

    def _new(self, count: int, block_s: float) -> list[Entry]:
        # COUNT is per stream: `count` over eight shards would bring eight times as many.
        share = max(1, count // len(self.shards))
        with translated():
            reply: Any = self._client.xreadgroup(
                self._group, self._consumer, dict.fromkeys(self._streams, ">"), count=share, block=max(1, int(block_s * 1000))
            )
        found = []
        for name, listed in reply.items() if isinstance(reply, dict) else reply or ():
            shard = self._streams[name]
            found += [Entry(shard, entry_id.decode(), fields) for entry_id, fields in listed]
        return self._hold(found)

    def _own_pending(self, count: int) -> list[Entry]:
        """Entries that Redis counts as delivered to us and that we do not hold: after a lost reply or a crash."""
        found: list[Entry] = []
        for shard in self.shards:
            after = "-"
            while after and len(found) < count:
                missing, after = self._list(shard, after, count, consumer=self._consumer)
                found += self._take(shard, missing[: count - len(found)], again=self._first_life, idle_s=0.0)
        return found

    def _claim(self, count: int) -> list[Entry]:
        """Entries of one shard whose lease is over: their worker is gone, or hangs. The shards take turns.

        Never what we hold. What is pending with our name all the same, a process that had it before us has read since we began.
        """
        shard = self.shards[self._turn]
        self._turn = (self._turn + 1) % len(self.shards)
        self._forget_consumers(shard)
        others, more = self._list(shard, "-", count, idle_s=self._claim_after_s)
        if more:
            self._claim_at = 0.0
        return self._take(shard, others, again=True, idle_s=self._claim_after_s, claimed=True)

    def _list(
        self, shard: int, start: str, count: int, *, consumer: str | None = None, idle_s: float = 0.0
    ) -> tuple[list[_Pending], str]:
        """A page of a pending list, less what we hold; and where the next page starts, "" where there is none."""
        stream, count, idle_ms = self._keys.frames(shard), min(count, PAGE), int(idle_s * 1000) or None
        with translated():
            listed: Any = self._client.xpending_range(stream, self._group, start, "+", count, consumer, idle_ms)
        pending = [_Pending(each["message_id"].decode(), int(each["times_delivered"])) for each in listed]
        with self._lock:
            others = [each for each in pending if (shard, each.entry_id) not in self._held]
        return others, f"({pending[-1].entry_id}" if len(pending) == count else ""

    def _take(self, shard: int, pending: Iterable[_Pending], *, again: bool, idle_s: float, claimed: bool = False) -> list[Entry]:
        """Have these entries delivered to us; `again` where that is one delivery more, and not a lost reply made good."""
        stream, taken = self._keys.frames(shard), []
        for deliveries, group in groupby(sorted(pending, key=lambda each: each.deliveries), key=lambda each: each.deliveries):
            ids: list[Any] = [each.entry_id for each in group]
            number = deliveries + again
            with translated():
                reply: Any = self._client.xclaim(stream, self._group, self._consumer, int(idle_s * 1000), ids, retrycount=number)
            found = {raw_id.decode(): fields for raw_id, fields in reply if fields}
            taken += [Entry(shard, entry_id, fields, number, claimed) for entry_id, fields in found.items()]
            self._drop_ended(shard, set(ids) - found.keys())
        return self._hold(taken)

    def _drop_ended(self, shard: int, ids: set[str]) -> None:
        """Entries that XCLAIM did not give: ended by somebody else and still pending, or claimed by another worker just now.

        Redis 7 takes what was deleted off the pending list, Redis 6.2 leaves it there for ever.
        """
        stream = self._keys.frames(shard)
        for entry_id in ids:
            with translated():
                if not self._client.xrange(stream, entry_id, entry_id):
                    self._client.xack(stream, self._group, entry_id)
                    self.trimmed += 1

    def _forget_consumers(self, shard: int) -> None:
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_EVERY_S
            _FORGET.run(self._client, [self._keys.frames(shard)], self._group, int(FORGET_AFTER_S * 1000))

    def _hold(self, entries: list[Entry]) -> list[Entry]:
        """Those of the entries that we do not hold yet; from now on we do."""
        with self._lock:
            new = [entry for entry in entries if (entry.shard, entry.entry_id) not in self._held]
            self._held |= {(entry.shard, entry.entry_id) for entry in new}
        return new
