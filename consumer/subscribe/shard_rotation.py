"""On a Redis Cluster, where one command reaches one shard: the shards in turn, so that one out of reach stops no other."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from ferstream.consumer.subscribe.shards import Effects, Shards, Sleep
from ferstream.streams.errors import GroupGone, StoreError, StoreFull, StoreUnavailable
from ferstream.streams.service.backoff import Backoff

log = logging.getLogger(__name__)

#: While nothing comes, every shard is asked again after this long.
POLL_S = 0.02
#: Seconds until the first and between later tries of a shard that is away.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
#: A node that lets us wait for its answer holds up the others: it is asked so many times more seldom.
PATIENCE = 4.0

#: Something to do with one shard.
ShardVisit = Callable[[int], Effects]


@dataclass(slots=True)
class _Away:
    error: StoreError
    backoff: Backoff
    retry_at: float = 0.0


class ShardRotation:
    """`open_shard` comes before the first `read_shard` and again after each failure of that shard."""

    def __init__(self, shards: Shards, open_shard: ShardVisit, read_shard: ShardVisit) -> None:
        self._shards = shards
        self._open_shard, self._read_shard = open_shard, read_shard
        self._open: set[int] = set()
        self._away: dict[int, _Away] = {}

    def open(self) -> Effects:
        """Open all of them, those that are away too. Raises StoreUnavailable where every shard is away."""
        self._open.clear()
        for away in self._away.values():
            away.retry_at = 0.0
        yield from self._each(self._make_open)

    def read(self, block_ms: int) -> Effects:
        """Until something came, or the time is over. Raises StoreUnavailable where every shard is away."""
        until, before = time.monotonic() + block_ms / 1000, self._shards.received
        while True:
            yield from self._each(self._read)
            if self._shards.received > before or time.monotonic() >= until:
                return
            yield Sleep(POLL_S)

    def each_in_reach(self, visit: ShardVisit) -> Effects:
        """Visit the shards that answered last: nothing more is asked of the others until they have been read again."""
        for shard in self._shards.numbers:
            if shard in self._away:
                continue
            began_at = time.monotonic()
            try:
                yield from visit(shard)
            except StoreUnavailable as error:
                self._failed(shard, error, time.monotonic() - began_at)

    def _each(self, visit: ShardVisit) -> Effects:
        for shard in self._shards.numbers:
            away, began_at = self._away.get(shard), time.monotonic()
            if away and began_at < away.retry_at:
                continue
            try:
                yield from visit(shard)
            except (StoreUnavailable, StoreFull, GroupGone) as error:
                self._failed(shard, error, time.monotonic() - began_at)
            else:
                if self._away.pop(shard, None):
                    log.info("shard %d answers again", shard)
        if len(self._away) == len(self._shards.numbers):
            raise self._away[0].error

    def _failed(self, shard: int, error: StoreError, took_s: float) -> None:
        """A shard did not answer, for `took_s` seconds. Told once for each outage."""
        away = self._away.get(shard)
        if away is None:
            log.warning("shard %d: %s; going on with the others, and trying it again", shard, error)
            away = self._away[shard] = _Away(error, Backoff(FIRST_WAIT_S, LONGEST_WAIT_S))
        away.error = error
        away.retry_at = time.monotonic() + max(away.backoff.failed(), PATIENCE * took_s)
        self._open.discard(shard)

    def _make_open(self, shard: int) -> Effects:
        yield from self._open_shard(shard)
        self._open.add(shard)

    def _read(self, shard: int) -> Effects:
        if shard not in self._open:
            yield from self._make_open(shard)
        yield from self._read_shard(shard)
