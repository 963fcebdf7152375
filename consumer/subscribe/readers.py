"""What a subscriber says to one shard of Redis: reading after a position, or as a member of a consumer group."""

import time
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio

from ferstream.consumer.subscribe.shards import BEGINNING, ShardPosition
from ferstream.streams.errors import GroupGone, StoreError
from ferstream.streams.redis_client.commands import translated

#: Entries taken in one read, claimed at once, acknowledged in one command.
PAGE = 500

#: An entry as redis-py gives it; no fields mean that Redis trimmed it while it was pending.
Entry = tuple[bytes, dict[bytes, bytes] | None]
StreamEntries = tuple[bytes, list[Entry]]


@dataclass
class PositionReader:
    """Reads what comes after the cursor. Redis keeps nothing for such a reader: it knows itself where it is."""

    client: "redis.asyncio.Redis"
    stream: str
    position: ShardPosition

    @property
    def patience_s(self) -> float | None:
        """How long a reader may be left alone before it must be asked to `renew`."""
        return None

    async def open(self) -> None:
        """Get ready to read: at first, and after each failure."""

    async def read(self, block_s: float) -> list[Entry]:
        """A page, or nothing after so long."""
        with translated():
            reply: Any = await self.client.xread({self.stream: self.position.cursor}, count=PAGE, block=_ms(block_s))
        return self._new(reply)

    async def renew(self) -> None:
        """Tell Redis, now and then, that what was read and not acknowledged is still in good hands."""

    async def acknowledge(self, entry_ids: list[str]) -> None:
        """The caller is done with these."""

    async def leave(self) -> None:
        """Nothing more will be read: put in order what Redis keeps of this reader."""

    def _new(self, reply: list[StreamEntries]) -> list[Entry]:
        """The entries of a reply; the next ones come after them."""
        if entries := _entries(reply):
            self.position.cursor = entries[-1][0].decode()
        return entries


@dataclass(kw_only=True)
class GroupReader(PositionReader):
    """Own pending entries first, then those that a dead member left, then new ones.

    XREADGROUP with ">" hands each entry to one member and notes it as pending with that member until XACK. Four things follow:

    - A reply that was lost on its way is not given again by ">": what it held is pending with us. So after each connection our
      own pending entries are read first, by ids from the beginning, and that also brings what we left when we crashed under
      the same consumer name. What the buffer still holds is not taken in twice.
    - An entry is acknowledged after the caller is done with it, never when it is read: at least once, and after a crash again.
    - What a member that died has pending stays so: it is claimed when it was idle for `claim_after_s`.
    - What a living member takes its time with would be idle too: so it tells every third of that time that it still has it.
    """

    group: str
    consumer: str
    claim_after_s: float
    _pending: str | None = field(default=None, init=False)  # own pending entries still to look at: after which
    _claim_at: float = field(default=0.0, init=False)
    _renew_at: float = field(default=0.0, init=False)

    @property
    def patience_s(self) -> float:
        """A third of the time after which others claim."""
        return self.claim_after_s / 3

    async def open(self) -> None:
        """Make the group where it is missing, from where we are, and read our own pending entries first."""
        try:  # Redis at its memory limit refuses XGROUP CREATE of what is there, too
            with translated():
                await self.client.xpending(self.stream, self.group)
        except GroupGone:
            await self._make_group()
        self._pending = BEGINNING

    async def read(self, block_s: float) -> list[Entry]:
        """A page of what comes first, or nothing after so long."""
        if self._pending is not None:
            entries = _entries(await self._read_group(self._pending))
            self._pending = entries[-1][0].decode() if entries else None
            if entries:
                return entries
        if time.monotonic() >= self._claim_at and (entries := await self._claim()):
            return entries
        return self._new(await self._read_group(">", block=_ms(min(block_s, self.patience_s))))

    async def renew(self) -> None:
        """Set the idle time of what is pending with us to zero: JUSTID delivers nothing, and counts no delivery."""
        if time.monotonic() < self._renew_at:
            return
        self._renew_at = time.monotonic() + self.patience_s
        idle_ms, after = _ms(self.patience_s), "-"
        while after:
            with translated():
                listed: Any = await self.client.xpending_range(
                    self.stream, self.group, after, "+", PAGE, self.consumer, idle=idle_ms
                )
                entry_ids: list[Any] = [one["message_id"] for one in listed]
                if entry_ids:  # what another has claimed since is not idle for so long: it stays where it is
                    await self.client.xclaim(self.stream, self.group, self.consumer, idle_ms, entry_ids, justid=True)
            after = f"({entry_ids[-1].decode()}" if len(entry_ids) == PAGE else ""

    async def acknowledge(self, entry_ids: list[str]) -> None:
        """The caller is done with these. May be repeated: XACK of what is not pending does nothing."""
        with translated():
            await self.client.xack(self.stream, self.group, *entry_ids)

    async def leave(self) -> None:
        """Take this member out of the group, unless it has pending entries: XGROUP DELCONSUMER would throw them away."""
        with translated():
            told = await self.client.xpending(self.stream, self.group)
            if self.consumer.encode() not in {consumer["name"] for consumer in told["consumers"]}:
                await self.client.xgroup_delconsumer(self.stream, self.group, self.consumer)

    async def _make_group(self) -> None:
        try:
            with translated():
                await self.client.xgroup_create(self.stream, self.group, id=self.position.id, mkstream=True)
        except StoreError as error:
            if error.code != "BUSYGROUP":  # another member made it just now
                raise

    async def _claim(self) -> list[Entry]:
        """Now and then: take over what a dead member left."""
        with translated():
            reply = await self.client.xautoclaim(self.stream, self.group, self.consumer, _ms(self.claim_after_s), count=PAGE)
        claimed: list[Entry] = [entry for entry in reply[1] if entry[0] is not None]
        if len(claimed) < len(reply[1]):  # Redis 6.2 gives trimmed ones without an id and leaves them pending, now with us
            self._pending = BEGINNING
        if len(claimed) < PAGE:
            self._claim_at = time.monotonic() + self.claim_after_s / 2
        return claimed + [(entry_id, None) for entry_id in (reply[2] if len(reply) > 2 else ())]  # Redis 7 names trimmed ones

    async def _read_group(self, after: str, block: int | None = None) -> list[StreamEntries]:
        with translated():
            reply: Any = await self.client.xreadgroup(self.group, self.consumer, {self.stream: after}, count=PAGE, block=block)
        return list(reply)


def _entries(reply: list[StreamEntries]) -> list[Entry]:
    """Those of the one stream that was asked for."""
    return reply[0][1] if reply else []


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
