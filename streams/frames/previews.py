"""Previews: small pictures of frames that have a result, for as long as somebody looks at their camera.

Whoever looks says so in `fer:watched`, again and again; workers that were started with --previews read it, and write a preview in
the step that publishes the result of its frame (scripts/end.lua). It is gone a moment after nobody looks any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio

from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

#: Pixels of the longer side that may be asked for. What lies between is rounded up, so that a camera has few lines in the hash.
SIDES = (160, 320, 480, 640)
#: Who looks says so for so long at once, and again each second. A preview lives as long, or until a moment after nobody looks.
WATCH_S, PREVIEW_S, MOMENT_S = 3.0, 3.0, 0.5
#: From one preview of a camera to the next; captured times jitter, so that some are nearer, and others further apart.
EVERY_S = 0.1
#: Lines of the hash that are read: more cameras than a page shows.
MOST_WATCHED = 4096
#: A line that is so far from now, as a clock that is set back makes one, is taken out by whoever writes next.
_FORGOTTEN_S = 10.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody looks at a camera until then, on Redis's clock, and needs so many pixels along the longer side."""

    max_side: int
    until: float


async def watch(client: "redis.asyncio.Redis", keys: Keys, cameras: Mapping[str, int], until: float) -> None:
    """Say that somebody looks at these cameras, each with the pixels of the longer side that are enough, until then.

    `until` is on Redis's clock, WATCH_S from now at most; to look on, say it again each second. Raises StoreError.
    """
    if not cameras:
        return
    said: dict[Any, Any] = {f"{_side(asked)} {camera_id}": repr(until) for camera_id, asked in cameras.items()}
    with translated():
        await client.hset(keys.watched, mapping=said)
        await client.pexpire(keys.watched, int(WATCH_S * 1000))
        lines: Any = await client.hgetall(keys.watched)
        if forgotten := [line for line, told in lines.items() if not abs(_time(told) - until) <= _FORGOTTEN_S]:
            await client.hdel(keys.watched, *forgotten)


def read_watched(client: "redis.Redis", keys: Keys, now: float) -> dict[str, Watch]:
    """The cameras that somebody looks at now; several who look at one are given what the one needs who needs most.

    Nobody looks for longer than WATCH_S from `now`, whatever the hash says. Raises StoreError.
    """
    with translated():
        lines: Any = client.hgetall(keys.watched)
    watched: dict[str, Watch] = {}
    for line, told in list(lines.items())[:MOST_WATCHED]:
        side, _, name = line.partition(b" ")
        until = min(_time(told), now + WATCH_S)
        if side not in _SIDES or not until > now:  # a time that is no number is none
            continue
        camera_id = name.decode(errors="replace")
        before = watched.get(camera_id, Watch(0, 0.0))
        watched[camera_id] = Watch(max(before.max_side, _SIDES[side]), max(before.until, until))
    return watched


_SIDES = {str(side).encode(): side for side in SIDES}


def _side(asked: int) -> int:
    return next((side for side in SIDES if side >= asked), SIDES[-1])


def _time(told: bytes) -> float:
    """The time that a line says; of what says none, one long ago."""
    try:
        return float(told)
    except ValueError:
        return 0.0
