"""Reads the previews of cameras as workers write them."""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from ferstream.streams.errors import DecodeError
from ferstream.streams.frames.previews import PREVIEW_S
from ferstream.streams.redis_client.cluster_async import AsyncClusterClient
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import MAX_BLOCK_S
from ferstream.streams.wire.codec import decode_preview
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Preview

log = logging.getLogger(__name__)

#: A camera without a preview for longer has none in Redis: the next one is new, whatever its id.
_GONE_S = PREVIEW_S + 1.0
_BEGINNING = "0-0"


@dataclass(frozen=True, slots=True)
class _Place:
    """The last preview that was read of a camera, and when, on a steady clock."""

    entry_id: str
    at: float


class PreviewReader:
    """Reads previews; one task at a time may `read`. Close it before its client."""

    def __init__(self, client: "redis.asyncio.Redis", keys: Keys) -> None:
        self._client, self._keys = client, keys
        self._by_shard = isinstance(client, AsyncClusterClient)  # one XREAD reads one slot there
        self._places: dict[str, _Place] = {}
        self._reads: dict[int, asyncio.Task[list[Preview]]] = {}  # under way, by shard
        self.undecodable = 0

    async def read(self, cameras: Iterable[str], block_s: float) -> list[Preview]:
        """The newest preview of each of these cameras, where it was not read yet; waits up to `block_s` for one.

        Raises StoreError.
        """
        asked, block_s = sorted(set(cameras)), min(block_s, MAX_BLOCK_S)
        if not asked:
            await asyncio.sleep(block_s)
            return []
        for shard, of_shard in self._parts(asked).items():
            if shard not in self._reads:
                self._reads[shard] = asyncio.create_task(self._read(of_shard, block_s))
        done, _ = await asyncio.wait(self._reads.values(), timeout=block_s + 1, return_when=asyncio.FIRST_COMPLETED)
        self._reads = {shard: task for shard, task in self._reads.items() if task not in done}
        found = [preview for task in done if task.exception() is None for preview in task.result()]
        if not found and (errors := [error for task in done if (error := task.exception())]):
            raise errors[0]
        return [preview for preview in found if preview.camera_id in asked]

    async def close(self) -> None:
        """End the reads that are under way."""
        for task in self._reads.values():
            task.cancel()
        await asyncio.gather(*self._reads.values(), return_exceptions=True)
        self._reads = {}

    def _parts(self, cameras: Sequence[str]) -> dict[int, list[str]]:
        parts: dict[int, list[str]] = {}
        for camera_id in cameras:
            parts.setdefault(self._keys.shard_of(camera_id) if self._by_shard else 0, []).append(camera_id)
        return parts

    async def _read(self, cameras: Sequence[str], block_s: float) -> list[Preview]:
        self._forget()
        keys = {self._keys.preview(camera_id).encode(): camera_id for camera_id in cameras}
        places: dict[Any, Any] = {
            key: self._places[camera_id].entry_id if camera_id in self._places else _BEGINNING for key, camera_id in keys.items()
        }
        with translated():
            reply: Any = await self._client.xread(places, block=max(1, int(block_s * 1000)))
        found = []
        for key, entries in reply:
            entry_id, fields = entries[-1]
            self._places[keys[key]] = _Place(entry_id.decode(), time.monotonic())
            try:
                found.append(decode_preview(entry_id.decode(), fields))
            except DecodeError as error:
                self.undecodable += 1
                log.debug("a preview of %r is passed over: %s", keys[key], error)
        return found

    def _forget(self) -> None:
        """Places in streams that are gone by now."""
        now = time.monotonic()
        self._places = {camera_id: place for camera_id, place in self._places.items() if now - place.at < _GONE_S}
