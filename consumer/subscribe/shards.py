"""The streams of a deployment that a subscriber reads: how many there are, and how far each was read."""

import re
from collections import deque
from collections.abc import Callable

import redis.asyncio

from ferstream.streams.errors import FerstreamError, GroupGone
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

BEGINNING = "0-0"
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


def order(entry_id: str) -> tuple[int, int]:
    """An entry id as a pair that sorts as Redis does."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


async def last_id(client: "redis.asyncio.Redis", stream: str) -> str:
    """The last id that a stream ever had. Raises StoreError."""
    try:
        with translated():
            about = await client.xinfo_stream(stream)
    except GroupGone:  # no such stream (yet)
        return BEGINNING
    return str(about["last-generated-id"], "ascii")


class ShardPosition:
    """How far one shard is: `cursor` is the last entry that was read, `id` the last one before those still to be yielded.

    Starting again after `id` loses nothing; it repeats the few results that overtook an older one.
    """

    def __init__(self, entry_id: str) -> None:
        self._start = self.id = self.cursor = entry_id
        self._read: deque[str] = deque()
        self._waiting: set[str] = set()

    @property
    def moved(self) -> bool:
        """Whether anything was read since the start: before that, the position is only what the caller says."""
        return self.cursor != self._start

    def add(self, entry_id: str) -> None:
        """An entry was read, and waits to be yielded."""
        self._read.append(entry_id)
        self._waiting.add(entry_id)

    def remove(self, entry_id: str) -> None:
        """An entry was yielded, or left out."""
        self._waiting.discard(entry_id)
        while self._read and self._read[0] not in self._waiting:
            entry_id = self._read.popleft()
            if order(entry_id) > order(self.id):  # claimed ones are older: the position never goes back for them
                self.id = entry_id

    def begin_again(self) -> None:
        """The stream was made anew: everything in it is new."""
        self.id = self.cursor = BEGINNING
        self._read.clear()
        self._waiting.clear()


class Shards:
    """The position of each shard, in the stream that `name` gives; `count` None asks Redis how many there are.

    Raises FerstreamError for a wrong `from_`.
    """

    def __init__(self, from_: str, prefix: str, count: int | None, name: Callable[[Keys, int], str]) -> None:
        self._from, self._start, self._name = from_, parse_position(from_), name
        self.keys, self.counted = Keys(prefix, count or 1), count is not None
        self.positions: list[ShardPosition] = []

    def token(self) -> str:
        """Where everything was yielded up to: what `parse_position` takes back."""
        return ",".join(position.id for position in self.positions) or self._from

    def stream(self, shard: int) -> str:
        """The name of the stream that is read."""
        return self._name(self.keys, shard)

    async def find(self, client: "redis.asyncio.Redis") -> None:
        """How many there are, until Redis knows (a subscriber may be older than the deployment), and where to begin."""
        if not self.counted:
            with translated():
                told = await client.get(self.keys.shard_count)
            self.counted = told is not None
            self.keys = Keys(self.keys.prefix).sharded(told)
        if not self.positions:
            self.positions += [ShardPosition(entry_id) for entry_id in await self._beginnings(client)]
        # Streams that the deployment got after we had begun are new from their first entry.
        while len(self.positions) < self.keys.shards:
            self.positions.append(ShardPosition(BEGINNING))

    async def _beginnings(self, client: "redis.asyncio.Redis") -> list[str]:
        start = self._start
        if start is None:
            # The end as of now: "$" in every read would miss what comes between two of them.
            start = [await last_id(client, self.stream(shard)) for shard in range(self.keys.shards)]
        if len(start) == 1:
            start = start * self.keys.shards
        if len(start) != self.keys.shards:
            raise FerstreamError(f"the position names {len(start)} shards, the deployment has {self.keys.shards}")
        return start
