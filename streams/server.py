"""What a process asks of Redis before it starts: can this server carry frames, and do we agree with the others?"""

from dataclasses import dataclass

import redis

from streams.clock import SKEW_WARNING_S, ServerClock
from streams.connection import translated
from streams.errors import RedisError
from streams.keys import Keys

OLDEST = (6, 2)  # XADD MINID and XAUTOCLAIM


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What the check found: the server's version and run, and warnings for an operator."""

    version: str
    run_id: str
    warnings: tuple[str, ...]


def check_server(client: "redis.Redis", keys: Keys, clock: ServerClock) -> ServerReport:
    """Check version, eviction policy, clock and shard count, and set `clock`.

    Raises RedisError where the server is too old or holds another number of shards, RedisUnavailable where it does not answer.
    """
    skew = clock.set_from(client)
    with translated():
        info = client.info()
        client.set(keys.shard_count, keys.shards, nx=True)
        shards = int(client.get(keys.shard_count) or keys.shards)
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise RedisError(f"Redis {version} is too old: ferstream needs {OLDEST[0]}.{OLDEST[1]} or newer")
    if shards != keys.shards:
        raise RedisError(
            f"this deployment has {shards} shards ({keys.shard_count}), not {keys.shards}: start with --shards {shards}"
        )
    warnings = []
    policy = str(info.get("maxmemory_policy", ""))
    if policy.startswith("allkeys"):
        warnings.append(f"maxmemory-policy {policy} may delete whole streams: set noeviction")
    if abs(skew) > SKEW_WARNING_S:
        direction = "ahead of" if skew > 0 else "behind"
        warnings.append(f"this machine's clock is {abs(skew):.1f} s {direction} Redis's: times are Redis's")
    return ServerReport(version, str(info.get("run_id", "")), tuple(warnings))
