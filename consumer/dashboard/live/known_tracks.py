"""Tracks as `fer-consumer track` follows them: the page's own go on from there, with the same numbers and beginnings."""

import logging
from typing import Any

import redis.asyncio

from ferstream.consumer.tracking.camera_tracks import StateError
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.errors import StoreError
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Cameras whose tracks are taken over; of more than these, numbers may differ from those in events.
MOST = 2000


async def take_over(client: "redis.asyncio.Redis", prefix: str, shards: int | None, tracker: FaceTracker) -> None:
    """Load what is known of each camera. Without it, or the right to it, faces are numbered anew."""
    try:
        with translated():
            keys = Keys(prefix, shards) if shards else Keys(prefix).sharded(await client.get(Keys(prefix).shard_count))
        for shard in range(keys.shards):
            with translated():
                stored: Any = await client.hgetall(keys.tracks(shard))
            for name, state in list(stored.items())[:MOST]:
                _load(tracker, name.decode(errors="replace"), state)
    except StoreError as error:
        log.info("faces are numbered anew: %s", error)


def _load(tracker: FaceTracker, camera_id: str, state: bytes) -> None:
    """No camera is called "": under that name is how far the tracker of the shard is."""
    if camera_id:
        try:
            tracker.load(camera_id, state)
        except StateError as error:
            log.info("faces of a camera are numbered anew: %s", error)
