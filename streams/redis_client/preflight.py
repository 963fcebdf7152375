"""What a process asks of Redis before it starts: can this server carry frames, and do we agree with the others?"""

import logging
from dataclasses import dataclass
from typing import Any

import redis

from ferstream.streams.errors import StoreRefused, StoreUnavailable
from ferstream.streams.redis_client.clock import SKEW_WARNING_S, ServerClock
from ferstream.streams.redis_client.cluster import ClusterClient, node_of, primaries_of
from ferstream.streams.redis_client.commands import CLUSTER_NODE, translated
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

OLDEST = (6, 2)  # XADD MINID and XAUTOCLAIM


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What the check found: the server's version and memory limit (0: none), and warnings for an operator."""

    version: str
    warnings: tuple[str, ...]
    max_memory_bytes: int


def check_server(client: "redis.Redis", keys: Keys, clock: ServerClock) -> ServerReport:
    """Check version, eviction policy, clock and shard count, and set `clock`.

    On a cluster, version and policy are those of every primary that answers, the clock is that of one, the same for all.
    Raises StoreRefused where the server is too old or holds another number of shards, StoreUnavailable where it does not answer.
    """
    skew = clock.set_from(client)
    answers, warnings = _ask(client)
    if answers[0].get("redis_mode") == "cluster" and not isinstance(client, ClusterClient):
        raise StoreRefused(CLUSTER_NODE)
    version = min((str(info.get("redis_version", "0")) for info in answers), key=_number)
    if _number(version) < OLDEST:
        raise StoreRefused(f"Redis {version} is too old: ferstream needs {OLDEST[0]}.{OLDEST[1]} or newer")
    check_shards(client, keys)
    for policy in sorted({str(info.get("maxmemory_policy", "")) for info in answers}):
        if policy.startswith("allkeys"):
            warnings.append(f"maxmemory-policy {policy} may delete whole streams: set noeviction")
    with translated():
        used, there = len({node_of(client, keys.frames(shard)) for shard in range(keys.shards)}), len(primaries_of(client))
    if used < there:
        warnings.append(
            f"{keys.shards} shards keep frames on {used} of {there} primaries: a deployment with more --shards uses all"
        )
    if abs(skew) > SKEW_WARNING_S:
        direction = "ahead of" if skew > 0 else "behind"
        warnings.append(f"this machine's clock is {abs(skew):.1f} s {direction} Redis's: times are Redis's")
    log.debug("Redis %s answers: %d primaries, %d shards, its clock %+.3f s from ours", version, there, keys.shards, -skew)
    return ServerReport(version, tuple(warnings), _max_memory(answers, there))


def check_shards(client: "redis.Redis", keys: Keys) -> None:
    """Write the number of shards where there is none. Raises StoreRefused where there is another one."""
    with translated():
        if client.get(keys.shard_count) is None:  # a full server refuses to write what is there already
            client.set(keys.shard_count, keys.shards, nx=True)
        shards = keys.sharded(client.get(keys.shard_count)).shards
    if shards != keys.shards:
        raise StoreRefused(
            f"this deployment has {shards} shards ({keys.shard_count}), not {keys.shards}: start with --shards {shards}"
        )


def _ask(client: "redis.Redis") -> tuple[list[dict[str, Any]], list[str]]:
    """INFO of every primary that answers, and warnings of the others. Raises StoreUnavailable where none does."""
    answers, warnings, failure = [], [], None
    with translated():
        primaries = primaries_of(client)
    for primary in primaries:
        try:
            with translated():
                answers.append(primary.info())
        except StoreUnavailable as error:
            failure = failure or error
            warnings.append(f"a primary is away: {error}")
    if failure and not answers:
        raise failure
    return answers, warnings


def _max_memory(answers: list[dict[str, Any]], primaries: int) -> int:
    """The limits of all primaries together; one that is away counts as the smallest of the others."""
    limits = [int(info.get("maxmemory", 0)) for info in answers]
    return sum(limits) + (primaries - len(limits)) * min(limits) if all(limits) else 0


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
