"""The results streams of a deployment: how many, where reading begins, and what was read of each."""

from ferstream.consumer.subscribe.effects import Command, Steps
from ferstream.consumer.subscribe.position import BEGINNING, ShardPosition, order, parse_position
from ferstream.consumer.subscribe.result_buffer import Intake
from ferstream.streams.errors import FerstreamError, GroupGone, StoreUnavailable
from ferstream.streams.wire.keys import Keys


class Shards:
    """`cursors` say up to where each was read, which is further than the intake's position while results wait.

    `apart`: they are in a Redis Cluster, where one command reaches one of them.
    """

    def __init__(self, from_: str, prefix: str, count: int | None, intake: Intake, *, apart: bool = False) -> None:
        self._from = from_
        self._start = parse_position(from_)
        self._intake = intake
        self._known, self.apart = count is not None, apart
        self.keys = Keys(prefix, count or 1)
        self.cursors: list[str] = []

    @property
    def numbers(self) -> range:
        return range(self.keys.shards)

    def position(self) -> str:
        """The token of what was yielded."""
        return ",".join(shard.id for shard in self._intake.shards) or self._from

    def find(self) -> Steps:
        """How many there are, as far as Redis knows yet, and where to begin."""
        if not self._known:
            yield from self._ask()
        if not self.cursors:
            yield from self._find_start()

    def look_again(self) -> Steps:
        """While nothing comes: are there more now, or new ones under the old names?"""
        if not self._known:
            yield from self._ask()
        for shard in self.numbers:
            try:
                yield from self.notice_new_stream(shard)
            except StoreUnavailable:
                if not self.apart:  # else whoever reads that shard knows
                    raise

    def notice_new_stream(self, shard: int) -> Steps:
        """A stream whose last id is older than what we read of it was deleted and made anew: begin at its beginning."""
        if self._intake.received == 0:
            return
        try:
            about = yield Command(("XINFO STREAM", self.keys.results(shard)))
            last = about["last-generated-id"].decode()
        except GroupGone:  # no such stream (yet)
            last = BEGINNING
        if order(last) < order(self.cursors[shard]):
            self.cursors[shard] = BEGINNING
            self._intake.shards[shard].begin_again()

    def _ask(self) -> Steps:
        told = yield Command(("GET", self.keys.shard_count))
        self._known = told is not None
        self.keys = Keys(self.keys.prefix, max(1, int(told or 1)))
        # Streams that the deployment got after we had begun are new from their first entry.
        while self.cursors and len(self.cursors) < self.keys.shards:
            self._intake.shards.append(ShardPosition(BEGINNING))
            self.cursors.append(BEGINNING)

    def _find_start(self) -> Steps:
        start = list(self._start or [])
        if self._start is None:
            # The end as of now: "$" in every read would miss what comes between two of them.
            for shard in self.numbers:
                last = yield Command(("XREVRANGE", self.keys.results(shard), "+", "-", "COUNT", 1))
                start.append(last[0][0].decode() if last else BEGINNING)
        if len(start) == 1:
            start *= self.keys.shards
        if len(start) != self.keys.shards:
            raise FerstreamError(f"the position names {len(start)} shards, the deployment has {self.keys.shards}")
        self.cursors = start
        self._intake.shards += [ShardPosition(entry_id) for entry_id in start]
