"""Which cameras somebody looks at now: asked of Redis twice a second, on a thread of its own."""

import logging
import threading

import redis

from ferstream.streams.errors import StoreError
from ferstream.streams.frames.previews import Watch, read_watched
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

EVERY_S = 0.5


class WatchedCameras:
    """Knows what was true within the last half second; while Redis does not answer, that nobody looks."""

    def __init__(self, client: "redis.Redis", keys: Keys, clock: ServerClock) -> None:
        self._client, self._keys, self._clock = client, keys, clock
        self._watches: dict[str, Watch] = {}
        self._told = False
        self._stop = threading.Event()
        self._heartbeat = Heartbeat()
        self._thread = vital_thread(self._run, "watched")

    def start(self) -> None:
        self._thread.start()

    def silent_s(self) -> float:
        """For how long its loop has not come round."""
        return self._heartbeat.silent_s()

    def stop(self) -> None:
        """End soon, and know of nobody; returns at once, since a read may hang in Redis."""
        self._stop.set()
        self._watches = {}

    def watch(self, camera_id: str, now: float) -> Watch | None:
        """What somebody wants to see of a camera; None where nobody looks."""
        watch = self._watches.get(camera_id)
        return watch if watch and now < watch.until else None

    def count(self) -> int:
        """Cameras that somebody looks at."""
        return len(self._watches)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._heartbeat.beat()
            try:
                watches = read_watched(self._client, self._keys, self._clock.now())
            except StoreError as error:
                self._tell(error)
                watches = {}
            else:
                self._told = False
            self._watches = {} if self._stop.is_set() else watches
            self._stop.wait(EVERY_S)

    def _tell(self, error: StoreError) -> None:
        """Once an outage."""
        if not self._told:
            log.warning("no previews until Redis tells who looks: %s", error)
        self._told = True
