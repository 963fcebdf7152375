"""Reading frames through a consumer group.

Redis delivers an entry to one consumer of the group and keeps it pending with that consumer until it is acknowledged. So no frame
is lost: a reply that never arrived leaves its entries pending with us, where the next read finds them, and what a worker that was
killed had pending is claimed by another one once it has been idle for `claim_after_s`.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from ferstream.streams.errors import StoreError
from ferstream.streams.redis_client.connect import MAX_BLOCK_S, translated
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Entries asked for in one look at a pending list.
PAGE = 64


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


class FrameReader:
    """Takes frame entries for one consumer of the group. One thread reads; any thread may `release`.

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
        self._look_at_pending = True
        self._claim_at = 0.0
        self.shards = tuple(range(keys.shards) if shards is None else shards)
        self._turn = 0  # which of them claims next
        self._streams = {keys.frames(shard).encode(): shard for shard in self.shards}
        self.trimmed = 0  # pending entries that were not in the stream any more: their producer withdrew and counted them

    def join(self) -> None:
        """Make the streams and their group where they are missing. Raises StoreError, StoreUnavailable."""
        for shard in self.shards:
            try:
                with translated():
                    # From 0, not from $: an entry that is in the stream has not been ended, even if the group was deleted.
                    self._client.xgroup_create(self._keys.frames(shard), self._group, id="0", mkstream=True)
                log.debug("group %s made on %s", self._group, self._keys.frames(shard))
            except StoreError as error:
                if "BUSYGROUP" not in str(error):
                    raise
                log.debug("group %s joined on %s", self._group, self._keys.frames(shard))
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
                self._look_at_pending = False
            if time.monotonic() >= self._claim_at:
                self._claim_at = time.monotonic() + self._claim_after_s / 2
                if entries := self._claim(count):
                    if len(entries) >= min(count, PAGE):
                        self._claim_at = 0.0  # there may be more where these were
                    return entries
            return self._new(count, min(block_s, MAX_BLOCK_S))
        except StoreError:
            # The reply may have been lost after Redis delivered its entries to us. Reading on with `>` would skip them, and they
            # would grow old until another worker may claim them.
            self._look_at_pending = True
            raise

    def release(self, entries: list[Entry]) -> None:
        """Hold these entries no longer: they were ended, or another worker may claim them."""
        self._held -= {(entry.shard, entry.entry_id) for entry in entries}

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

    def _new(self, count: int, block_s: float) -> list[Entry]:
        # COUNT is per stream: `count` over eight shards would bring eight times as many.
        share = max(1, count // len(self.shards))
        with translated():
            reply = self._client.xreadgroup(
                self._group, self._consumer, dict.fromkeys(self._streams, ">"), count=share, block=max(1, int(block_s * 1000))
            )
        return self._hold([(self._streams[name], entry) for name, entries in _pairs(reply) for entry in entries])

    def _own_pending(self, count: int) -> list[Entry]:
        """Entries that Redis counts as delivered to us and that we do not hold. An id instead of `>` lists them, page by page."""
        found: list[Entry] = []
        for name, shard in self._streams.items():
            cursor: str = "0"
            while len(found) < count:
                with translated():
                    page = min(PAGE, count - len(found))
                    reply = self._client.xreadgroup(self._group, self._consumer, {name: cursor}, count=page)
                entries = [entry for _, listed in _pairs(reply) for entry in listed]
                if not entries:
                    break
                cursor = entries[-1][0].decode()
                found += self._hold([(shard, entry) for entry in entries])
        return found

    def _claim(self, count: int) -> list[Entry]:
        """Entries of one shard that have been idle for `claim_after_s`: their worker is gone, or hangs. The shards take turns.

        XAUTOCLAIM does not say how often an entry was delivered, so XPENDING is asked.
        """
        shard = self.shards[self._turn]
        self._turn = (self._turn + 1) % len(self.shards)
        stream, idle_ms = self._keys.frames(shard), int(self._claim_after_s * 1000)
        with translated():
            reply = self._client.xautoclaim(stream, self._group, self._consumer, idle_ms, "0-0", count=min(count, PAGE))
        claimed = [entry for entry in reply[1] if entry and entry[0] is not None]
        if len(claimed) < len(reply[1]):  # Redis 6.2 gives trimmed entries without an id and leaves them pending, now with us
            self._look_at_pending = True
        if len(reply) > 2:  # Redis 7 lists deleted entries and has taken them off the pending list
            self.trimmed += len(reply[2])
        if not claimed:
            return []
        with translated():
            listed: Any = self._client.xpending_range(stream, self._group, claimed[0][0], claimed[-1][0], PAGE, self._consumer)
        deliveries = {entry["message_id"].decode(): int(entry["times_delivered"]) for entry in listed}
        return self._hold([(shard, entry) for entry in claimed], deliveries, claimed=True)

    def _hold(
        self,
        listed: list[tuple[int, tuple[bytes, dict[bytes, bytes] | None]]],
        deliveries: dict[str, int] | None = None,
        *,
        claimed: bool = False,
    ) -> list[Entry]:
        """Those of the entries that we do not hold yet; from now on we do.

        A pending entry that was deleted comes without fields: its producer withdrew it, and counted it. It is acknowledged, as it
        would be pending for ever.
        """
        entries: list[Entry] = []
        for shard, (raw_id, fields) in listed:
            entry_id = raw_id.decode()
            if (shard, entry_id) in self._held:
                continue
            if not fields:
                self.trimmed += 1
                with translated():
                    self._client.xack(self._keys.frames(shard), self._group, entry_id)
                continue
            self._held.add((shard, entry_id))
            entries.append(Entry(shard, entry_id, fields, (deliveries or {}).get(entry_id, 1), claimed))
        return entries


def _pairs(reply: object) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes] | None]]]]:
    """An XREADGROUP reply as pairs of stream and entries, whichever protocol it came through."""
    if not reply:
        return []
    return list(reply.items()) if isinstance(reply, dict) else list(reply)  # type: ignore[call-overload]
