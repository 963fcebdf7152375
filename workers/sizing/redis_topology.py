"""What carries a fleet: one Redis, a Redis Cluster, or several of them by site."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from ferstream.streams.wire.keys import Keys
from ferstream.workers.sizing.redis_needs import GIB, RedisNeeds
from ferstream.workers.sizing.worksheet import Workload, Worksheet, number

#: Redis Cluster needs three primaries; more than sixteen is too much to lose at once.
FEWEST_PRIMARIES, MOST_PRIMARIES = 3, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisTopology:
    """The Redis servers that carry the needs: `kind` is one-redis, one-redis-sharded, cluster or clusters-by-site.

    `fullest_share` says how full the fullest node is, of what it is planned with; `limit` what runs out there first.
    """

    kind: str
    words: str
    sites: int
    primaries: int
    shards: int
    fullest_share: float
    limit: str


def topology_of(needs: RedisNeeds, w: Workload, sheet: Worksheet) -> RedisTopology:
    """The least that carries the needs: one Redis, a cluster of 3 to 16 primaries, or a cluster a site."""
    most = max(needs.in_mbit, needs.out_mbit)
    shares = {
        "network": most / 1000 / w.node_gbit / w.headroom,
        "memory": needs.max_memory_bytes / GIB / w.node_gib,
        "main thread": needs.busy_cores / w.headroom,
    }
    numbers = {
        "network": f"{number(most)} / 1000 / {number(w.node_gbit)} / {number(w.headroom)}",
        "memory": f"{number(needs.max_memory_bytes / GIB)} / {number(w.node_gib)}",
        "main thread": f"{number(needs.busy_cores)} / {number(w.headroom)}",
    }
    formulas = {
        "network": "the larger direction / Gbit/s of a node / headroom",
        "memory": "maxmemory / GiB of a node",
        "main thread": "its time / headroom",
    }
    for each, share in shares.items():
        sheet.add(f"{each}, in Redis nodes", formulas[each], numbers[each], share, "nodes")
    limit, load = max(shares.items(), key=lambda each: each[1])
    if load <= 0.5:
        return RedisTopology(kind="one-redis", words="one Redis", sites=1, primaries=1, shards=1, fullest_share=load, limit=limit)
    if load <= 1:
        words = "one Redis, started with `--shards 16`, so that it can become a cluster"
        return RedisTopology(
            kind="one-redis-sharded", words=words, sites=1, primaries=1, shards=16, fullest_share=load, limit=limit
        )
    sites = 1
    while (found := _cluster(load / sites)) is None:
        sites += 1
    primaries, shards, fullest = found
    cluster = f"Redis Cluster of {primaries} primaries, `--shards {shards}`"
    words = f"a {cluster}" if sites == 1 else f"{sites} sites of {ceil(w.cameras / sites):,} cameras, each with a {cluster}"
    return RedisTopology(
        kind="cluster" if sites == 1 else "clusters-by-site",
        words=words,
        sites=sites,
        primaries=primaries,
        shards=shards,
        fullest_share=load / sites * fullest,
        limit=limit,
    )


def _cluster(load: float) -> tuple[int, int, float] | None:
    """The fewest primaries, then shards, whose fullest primary carries its share, and that share; None: it takes too many."""
    for primaries in range(FEWEST_PRIMARIES, MOST_PRIMARIES + 1):
        for shards in (times * primaries for times in (2, 4, 8)):
            fullest = max(shards_on(primaries, shards)) / shards
            if load * fullest <= 1:
                return primaries, shards, fullest
    return None


def shards_on(primaries: int, shards: int) -> list[int]:
    """Shards on each primary, slots cut into equal ranges as `redis-cli --cluster create` does."""
    cuts = [round(REDIS_CLUSTER_HASH_SLOTS * each / primaries) for each in range(primaries + 1)]
    slots = [key_slot(Keys().frames(shard).encode()) for shard in range(shards)]
    return [sum(first <= slot < end for slot in slots) for first, end in pairwise(cuts)]
