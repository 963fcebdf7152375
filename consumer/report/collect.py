"""`fer-consumer collect`: reads the results of one file until all are there."""

import json
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import redis

from ferstream.consumer.report.collector import Collector
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.errors import DecodeError, FerstreamError
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.codec import decode_header
from ferstream.streams.wire.keys import Keys

#: Without a result for so long, and with no frame in Redis, no more will come.
SILENCE_S = 5.0


class Announcement:
    """How many frames of the file were written: one line of JSON on standard input, once its producer has ended."""

    def __init__(self) -> None:
        self.frames: int | None = None
        self.gone = False
        self._thread = threading.Thread(target=self._read, name="announcement", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        line = sys.stdin.readline()
        if line.strip():
            self.frames = int(json.loads(line)["frames"])
        else:
            self.gone = True


def collect(
    batches: Iterable[list[Delivery]], collector: Collector, client: "redis.Redis", camera_id: str, keys: Keys
) -> dict[str, Any]:
    """Write the tables of one file with a collector, not yet entered, and return what came together, as JSON.

    Raises FerstreamError where whoever started it is gone, WriteError where a table cannot be written.
    """
    announcement, last = Announcement(), time.monotonic()
    with collector:
        for batch in batches:
            for delivery in batch:
                collector.add(delivery.result)
            if batch:
                last = time.monotonic()
            if announcement.gone:
                raise FerstreamError("whoever began this analysis is gone")
            if announcement.frames is None:
                continue
            open_ = announcement.frames - collector.received
            if open_ and not batch:
                open_ -= dead_letters(client, keys, camera_id)
            if open_ <= 0 or (time.monotonic() - last > SILENCE_S and not _in_flight(client, keys)):
                break
        collector.finish()
    return collector.collected.summary()


def dead_letters(client: "redis.Redis", keys: Keys, camera_id: str) -> int:
    """How many frames of a camera no worker could answer. Raises StoreError."""
    found = 0
    with translated():
        entries: Any = client.xrange(keys.dead(keys.shard_of(camera_id)))
    for entry_id, fields in entries:
        try:
            found += decode_header(entry_id.decode(), fields).camera_id == camera_id
        except DecodeError:  # not of this file: its producer writes headers that can be read
            continue
    return found


def _in_flight(client: "redis.Redis", keys: Keys) -> int:
    with translated():
        return sum(int(client.xlen(keys.frames(shard))) for shard in range(keys.shards))
