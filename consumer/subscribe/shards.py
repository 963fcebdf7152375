"""The results streams of a deployment: how many there are, how far each was read and yielded, and what comes out of them.

What comes out is a ResultEntry, and, decoded, a Delivery. Also the effects that all of subscribing is written in. Subscribing
does no I/O itself: its generators yield effects, and the blocking or the asyncio subscriber performs them.
"""

import re
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ferstream.streams.errors import FerstreamError, GroupGone
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result

#: Entries taken from a shard in one read, claimed at once, acknowledged in one command.
PAGE = 500
BEGINNING = "0-0"
_ID = re.compile(r"\d{1,20}(-\d{1,20})?")


@dataclass(frozen=True, slots=True)
class RedisCommand:
    """A command to execute: the reply is sent into the generator, or the translated error thrown into it."""

    arguments: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Poll:
    """Look whether the buffer has something for the caller. Comes also while it has nothing, so that the caller may leave."""


Effect = RedisCommand | Sleep | Poll
Effects = Generator[Effect, Any, None]


class ResultEntry(NamedTuple):
    """One entry of a results stream as Redis gave it; `fields` is None or empty where Redis trimmed a pending entry."""

    shard: int
    entry_id: str
    fields: dict[bytes, bytes] | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result and where it came from: what `deliveries` and `batches` of a subscriber give.

    Attributes:
        result: what a worker says of one frame.
        shard: the number of the Redis shard, from 0, whose results stream holds it.
        entry_id: its own entry in that stream ("1700000000000-0"), which also says when it was published.
    """

    result: Result
    shard: int
    entry_id: str

    @property
    def published_at(self) -> float:
        """When the result came out: seconds since the epoch on Redis's clock, as `captured_at` is."""
        return int(self.entry_id.partition("-")[0]) / 1000

    @property
    def latency_s(self) -> float:
        """Seconds from capture to result."""
        return self.published_at - self.result.captured_at


def order(entry_id: str) -> tuple[int, int]:
    """An entry id as a pair that sorts as Redis does."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


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


class ShardPosition:
    """How far one shard is: `cursor` is the last entry that was read, `id` the last one before those still to be yielded.

    Starting again after `id` loses nothing; it repeats the few results that overtook an older one.
    """

    def __init__(self, entry_id: str) -> None:
        self.id = self.cursor = entry_id
        self._read: deque[str] = deque()
        self._waiting: set[str] = set()

    def add(self, entry_id: str) -> None:
        """An entry was read, and waits to be yielded."""
        self._read.append(entry_id)
        self._waiting.add(entry_id)

    def remove(self, entry_id: str) -> None:
        """An entry was yielded, or left out."""
        self._waiting.discard(entry_id)
        while self._read and self._read[0] not in self._waiting:
            # Claimed entries are older than what was read before them: the position never goes back for them.
            self.id = max(self.id, self._read.popleft(), key=order)

    def begin_again(self) -> None:
        """The stream was made anew: everything in it is new."""
        self.id = self.cursor = BEGINNING
        self._read.clear()
        self._waiting.clear()


class Shards:
    """The position of each shard; `count` None asks Redis how many there are. Raises FerstreamError for a wrong `from_`."""

    def __init__(self, from_: str, prefix: str, count: int | None) -> None:
        self._from = from_
        self._start = parse_position(from_)
        self._known = count is not None
        self._use(Keys(prefix, count or 1))
        self.positions: list[ShardPosition] = []
        #: Entries taken in so far, of all shards.
        self.received = 0

    def _use(self, keys: Keys) -> None:
        self.keys = keys
        self.streams = [keys.results(shard) for shard in range(keys.shards)]
        self._by_name = {stream.encode(): shard for shard, stream in enumerate(self.streams)}

    @property
    def numbers(self) -> range:
        return range(self.keys.shards)

    def token(self) -> str:
        """Where everything was yielded up to: what `parse_position` takes back."""
        return ",".join(position.id for position in self.positions) or self._from

    def entries(self, reply: Any) -> Iterator[ResultEntry]:  # noqa: ANN401 - redis-py's, a list or a map of streams
        """The entries of an XREAD or XREADGROUP reply."""
        for name, listed in reply.items() if isinstance(reply, dict) else reply or ():
            for entry_id, fields in listed:
                yield ResultEntry(self._by_name[name], entry_id.decode(), fields)

    def find(self) -> Effects:
        """How many there are, as far as Redis knows yet, and where to begin."""
        yield from self.count_again()
        if not self.positions:
            yield from self._find_start()

    def count_again(self) -> Effects:
        """Ask how many there are until Redis knows: a subscriber may be older than the deployment."""
        if self._known:
            return
        told = yield RedisCommand(("GET", self.keys.shard_count))
        self._known = told is not None
        self._use(Keys(self.keys.prefix, max(1, int(told or 1))))
        # Streams that the deployment got after we had begun are new from their first entry.
        while self.positions and len(self.positions) < self.keys.shards:
            self.positions.append(ShardPosition(BEGINNING))

    def notice_new_stream(self, shard: int) -> Effects:
        """A stream whose last id is older than what we read of it was deleted and made anew: begin at its beginning.

        Before anything was received, the position is the caller's word and stays, also where Redis is not that far yet.
        """
        if self.received == 0:
            return
        try:
            about = yield RedisCommand(("XINFO STREAM", self.streams[shard]))
            last = about["last-generated-id"].decode()
        except GroupGone:  # no such stream (yet)
            last = BEGINNING
        if order(last) < order(self.positions[shard].cursor):
            self.positions[shard].begin_again()

    def _find_start(self) -> Effects:
        start = list(self._start or [])
        if self._start is None:
            # The end as of now: "$" in every read would miss what comes between two of them.
            for shard in self.numbers:
                last = yield RedisCommand(("XREVRANGE", self.streams[shard], "+", "-", "COUNT", 1))
                start.append(last[0][0].decode() if last else BEGINNING)
        if len(start) == 1:
            start *= self.keys.shards
        if len(start) != self.keys.shards:
            raise FerstreamError(f"the position names {len(start)} shards, the deployment has {self.keys.shards}")
        self.positions = [ShardPosition(entry_id) for entry_id in start]
