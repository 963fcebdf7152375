"""When the parts before one are done, what is still on its way to it: asked before it is ended."""

import time
from collections.abc import Callable
from typing import Any

import redis

from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

#: Frames that wait are answered before workers end, and results are written before sinks do, within so many seconds.
DRAIN_S = 10.0


def wait_until(true: Callable[[], bool]) -> None:
    """For DRAIN_S at most."""
    until = time.monotonic() + DRAIN_S
    while time.monotonic() < until and not true():
        time.sleep(0.1)


def all_are_answered(client: "redis.Redis", keys: Keys) -> bool:
    """Whether no frame waits. Raises StoreError."""
    with translated():
        return not any(client.xlen(keys.frames(shard)) for shard in range(keys.shards))


def all_have_read(client: "redis.Redis", keys: Keys) -> bool:
    """Whether each group of readers has acknowledged every result and event there is. Raises StoreError."""
    streams = [stream for shard in range(keys.shards) for stream in (keys.results(shard), keys.events(shard))]
    with translated():
        return all(_is_read(client, stream) for stream in streams if client.exists(stream))


def _is_read(client: "redis.Redis", stream: str) -> bool:
    last: Any = client.xinfo_stream(stream)
    groups: Any = client.xinfo_groups(stream)
    return all(group["last-delivered-id"] == last["last-generated-id"] and not group["pending"] for group in groups)
