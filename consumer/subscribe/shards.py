"""The results streams of a deployment: how many there are, and how far each was read."""

import re
from typing import Any

import redis.asyncio

from ferstream.consumer.subscribe.position import BEGINNING, ShardPosition
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

_ID = re.compile(r"\d{1,20}(-\d{1,20})?")


def parse_position(text: str) -> list[str] | None:
    """The ids of a token ("id" for every shard, "id0,id1" for two), or None for "$": the end as of the first connection.

    Raises FerstreamError where it is no token.
    """
    if text == "$":
        return None
    ids = text.split(",")
    if not all(_ID.fullmatch(part) for part in ids):
        raise FerstreamError(
            f'{text[:80]!r} is no position: "$" (new results), "0" (all there are) or an entry id for each shard'
        )
    return [part if "-" in part else f"{part}-0" for part in ids]


class Shards:
    """The position of each shard; `count` None asks Redis how many there are. Raises FerstreamError for a wrong `from_`."""

    def __init__(self, from_: str, prefix: str, count: int | None) -> None:
        self._from, self._start = from_, parse_position(from_)
        self.keys, self.counted = Keys(prefix, count or 1), count is not None
        self.positions: list[ShardPosition] = []

    def token(self) -> str:
        """Where everything was yielded up to: what `parse_position` takes back."""
        return ",".join(position.id for position in self.positions) or self._from

    async def find(self, client: "redis.asyncio.Redis") -> None:
        """How many there are, until Redis knows (a subscriber may be older than the deployment), and where to begin."""
        if not self.counted:
            with translated():
                told = await client.get(self.keys.shard_count)
            self.counted = told is not None
            self.keys = Keys(self.keys.prefix, max(1, int(told or 1)))
        if not self.positions:
            self.positions += [ShardPosition(entry_id) for entry_id in await self._beginnings(client)]
        # Streams that the deployment got after we had begun are new from their first entry.
        while len(self.positions) < self.keys.shards:
            self.positions.append(ShardPosition(BEGINNING))

    async def _beginnings(self, client: "redis.asyncio.Redis") -> list[str]:
        start = self._start
        if start is None:
            # The end as of now: "$" in every read would miss what comes between two of them.
            start = [await self._end(client, shard) for shard in range(self.keys.shards)]
        if len(start) == 1:
            start = start * self.keys.shards
        if len(start) != self.keys.shards:
            raise FerstreamError(f"the position names {len(start)} shards, the deployment has {self.keys.shards}")
        return start

    async def _end(self, client: "redis.asyncio.Redis", shard: int) -> str:
        with translated():
            last: Any = await client.xrevrange(self.keys.results(shard), count=1)
        return str(last[0][0], "ascii") if last else BEGINNING
