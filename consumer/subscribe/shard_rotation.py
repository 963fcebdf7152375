"""On a Redis Cluster, where one command reaches one shard: the shards in turn, so that one out of reach stops no other."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from ferstream.consumer.subscribe.effects import Pause, Steps
from ferstream.consumer.subscribe.result_buffer import Intake
from ferstream.consumer.subscribe.shards import Shards
from ferstream.streams.errors import GroupGone, StoreError, StoreFull, StoreUnavailable

log = logging.getLogger(__name__)

#: While nothing comes, every shard is asked again after this long.
POLL_S = 0.02
#: Seconds until the first and between later tries of a shard that is away.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
#: A node that lets us wait for its answer holds up the others: it is asked so many times more seldom.
PATIENCE = 4.0


@dataclass(slots=True)
class _Away:
    error: StoreError
    failures: int
    retry_at: float


class Turns:
    """`open_shard` comes before the first `read_shard` and again after each failure of that shard."""

    def __init__(
        self, shards: Shards, intake: Intake, open_shard: Callable[[int], Steps], read_shard: Callable[[int], Steps]
    ) -> None:
        self._shards, self._intake = shards, intake
        self._open_shard, self._read_shard = open_shard, read_shard
        self._open: set[int] = set()
        self._away: dict[int, _Away] = {}

    def begin(self) -> Steps:
        """Open all of them, those that are away too. Raises StoreUnavailable where every shard is away."""
        self._open.clear()
        for away in self._away.values():
            away.retry_at = 0.0
        yield from self._each(self._make_open)

    def read(self, block_ms: int) -> Steps:
        """Until something came, or the time is over. Raises StoreUnavailable where every shard is away."""
        until, before = time.monotonic() + block_ms / 1000, self._intake.received
        while True:
            yield from self._each(self._read)
            if self._intake.received > before or time.monotonic() >= until:
                return
            yield Pause(POLL_S)

    def is_away(self, shard: int) -> bool:
        """Whether a shard did not answer last: nothing more is asked of it until it has been read again."""
        return shard in self._away

    def failed(self, shard: int, error: StoreError, took_s: float) -> None:
        """A shard did not answer, for `took_s` seconds. Told once for each outage."""
        away = self._away.get(shard)
        if away is None:
            log.warning("shard %d: %s; going on with the others, and trying it again", shard, error)
        failures = away.failures + 1 if away else 1
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - 1, 10)) * random.uniform(0.5, 1.5)
        self._away[shard] = _Away(error, failures, time.monotonic() + max(wait_s, PATIENCE * took_s))
        self._open.discard(shard)

    def _each(self, visit: Callable[[int], Steps]) -> Steps:
        for shard in self._shards.numbers:
            away, began_at = self._away.get(shard), time.monotonic()
            if away and began_at < away.retry_at:
                continue
            try:
                yield from visit(shard)
            except (StoreUnavailable, StoreFull, GroupGone) as error:
                self.failed(shard, error, time.monotonic() - began_at)
            else:
                if self._away.pop(shard, None):
                    log.info("shard %d answers again", shard)
        if len(self._away) == len(self._shards.numbers):
            raise self._away[0].error

    def _make_open(self, shard: int) -> Steps:
        yield from self._open_shard(shard)
        self._open.add(shard)

    def _read(self, shard: int) -> Steps:
        if shard not in self._open:
            yield from self._make_open(shard)
        yield from self._read_shard(shard)
