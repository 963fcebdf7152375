"""Keeps what a worker holds: renews its entries in Redis, so that no other worker takes them for a dead one's."""

import logging
import threading
import time

import redis

from ferstream.streams.errors import StoreError
from ferstream.streams.frames.age import OverdueFrames
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Overdue frames that nobody ends are looked for this often.
AGE_EVERY_S = 1.0


class LeaseKeeper:
    """For one reader, on a thread of its own: a stage that is slow, or a Redis that hangs, must not hold up another's leases.

    Also ends overdue frames of the reader's shards, which have no worker and no producer any more.
    """

    def __init__(self, client: "redis.Redis", keys: Keys, group: str, reader: FrameReader, claim_after_s: float) -> None:
        self._client, self._reader = client, reader
        self._overdue = [OverdueFrames(client, keys, shard, group) for shard in reader.shards]
        self._every_s = min(claim_after_s / 3, AGE_EVERY_S)
        self._stop = threading.Event()
        self._heartbeat = Heartbeat()
        self._thread = vital_thread(self._run, "leases")

    def start(self) -> None:
        self._thread.start()

    def silent_s(self) -> float:
        """For how long its loop has not come round."""
        return self._heartbeat.silent_s()

    def stop(self) -> None:
        """End soon; returns at once, since a renewal may hang in Redis."""
        self._stop.set()

    def _run(self) -> None:
        age_at = 0.0
        while not self._stop.wait(self._every_s):
            self._heartbeat.beat()
            try:
                if lost := self._reader.renew(self._client):
                    log.info("%d frames were claimed by another worker while this one was silent", lost)
                if time.monotonic() >= age_at:
                    age_at = time.monotonic() + AGE_EVERY_S
                    for overdue in self._overdue:
                        overdue.end()
            except StoreError as error:  # the reading loop warns of it; what is held is renewed as soon as Redis answers
                log.debug("leases are not renewed: %s", error)
