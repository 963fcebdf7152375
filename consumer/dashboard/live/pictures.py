"""Small pictures of the cameras that somebody looks at, and of no other: workers are told whose, and make none beyond."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing

import redis.asyncio

from ferstream.consumer.dashboard.live.preview_reader import PreviewReader
from ferstream.streams.errors import StoreError
from ferstream.streams.frames.previews import WATCH_S, watch
from ferstream.streams.redis_client.connect import connect_async
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Preview

log = logging.getLogger(__name__)

#: Workers are told so often who looks.
RENEW_S = 1.0
#: A camera that somebody begins to look at waits so long for its first reading.
BLOCK_S = 0.2
AGAIN_S = 2.0

Wanted = Callable[[], dict[str, int]]


class Pictures:
    """Reads those that are `wanted`, cameras with the longest side in pixels; `now` is Redis's clock."""

    def __init__(self, url: str, wanted: Wanted, now: Callable[[], float], take: Callable[[Preview], None]) -> None:
        self._url, self._ask, self._now, self._take = url, wanted, now, take
        self._wanted: dict[str, int] = {}

    async def read(self, keys: Keys) -> None:
        """Until cancelled, whatever Redis does."""
        while True:
            try:
                async with aclosing(connect_async(self._url)) as client, asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._renew(client, keys))
                    tasks.create_task(self._follow(client, keys))
            except* StoreError as errors:
                log.debug("no pictures, trying again in %.0f s: %s", AGAIN_S, errors.exceptions[0])
            await asyncio.sleep(AGAIN_S)

    async def _renew(self, client: "redis.asyncio.Redis", keys: Keys) -> None:
        while True:
            await watch(client, keys, self._wanted, self._now() + WATCH_S)
            for _ in range(round(RENEW_S / BLOCK_S)):
                await asyncio.sleep(BLOCK_S)
                before, self._wanted = self._wanted, self._ask()
                if self._wanted != before:  # somebody begins to look: workers are told at once
                    break

    async def _follow(self, client: "redis.asyncio.Redis", keys: Keys) -> None:
        reader = PreviewReader(client, keys)
        try:
            while True:
                for preview in await reader.read(self._wanted, BLOCK_S):
                    self._take(preview)
        finally:
            await reader.close()
