"""The producer's tie to Redis: whether it is there, what time it has, and one try at a time to get it back."""

import logging
import threading
import time
from collections.abc import Callable

import redis

from ferstream.producer import metrics
from ferstream.producer.shard_link import WELL_AFTER_S, ShardLink
from ferstream.streams.errors import StoreError, StoreFull, StoreUnavailable
from ferstream.streams.redis_client.acl_check import check_rights, producer_commands
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect, is_cluster
from ferstream.streams.redis_client.preflight import check_server, check_shards
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

CLOCK_EVERY_S = 30.0


class RedisLink:
    """Shared by all cameras of a process. Its thread runs `each_second` while Redis is there, and tries again while it is not.

    `generation` grows with every return of Redis: who has seen an older one has lost replies to settle first.
    """

    def __init__(self, url: str, keys: Keys) -> None:
        self.url, self.keys, self.clock = url, keys, ServerClock()
        self.client: redis.Redis = connect(url)
        self._up = threading.Event()
        self.generation = 0
        self.last_beat = time.monotonic()
        self._backoff = Backoff()
        self._problem, self._trouble_at, self._version = "", 0.0, ""
        self._warnings: tuple[str, ...] = ()
        self.max_memory_bytes: int | None = None  # 0: no limit; None: not known yet
        self._clock_set_at = 0.0
        self._cluster, self._shards = is_cluster(url), dict[int, ShardLink]()

    def of(self, camera_id: str) -> "RedisLink | ShardLink":
        """The link of the server that holds a camera's frames."""
        if not self._cluster:
            return self
        shard = self.keys.shard_of(camera_id)
        return self._shards.setdefault(shard, ShardLink(self, shard))

    @property
    def up(self) -> bool:
        return self._up.is_set()

    @property
    def away(self) -> str | None:
        """Why no camera's frames can be written now, or None. On a cluster: because no shard in use answers."""
        if not self.up:
            return self._problem or "no Redis yet"
        failures = [shard.failure for shard in list(self._shards.values())]
        return failures[0] if failures and all(failures) else None

    def open(self) -> None:
        """The first try. A Redis that is down or full may come; raises StoreError where waiting will not help."""
        try:
            self._check()
        except (StoreUnavailable, StoreFull) as error:
            self.lost(error)

    def look(self) -> None:
        """Ask Redis again what it is and what it holds. Raises StoreError."""
        report = check_server(self.client, self.keys, self.clock)
        check_rights(self.client, producer_commands(self.keys))
        self.max_memory_bytes = report.max_memory_bytes
        for warning in report.warnings:
            if warning not in self._warnings:
                log.warning("%s", warning)
        self._warnings, self._version = report.warnings, report.version

    def lost(self, error: StoreError) -> None:
        """Somebody got no answer, or no room: frames are counted as dropped until the link's own thread gets one."""
        # A cluster that was there once stays up: each camera's shard has a link of its own.
        if isinstance(error, StoreUnavailable) and not (self._cluster and self.generation):
            self._up.clear()
        self.trouble(error)

    def trouble(self, error: StoreError) -> None:
        """Say what is wrong, once."""
        self._trouble_at = time.monotonic()
        if str(error) != self._problem:
            self._problem = str(error)
            log.warning("%s; cameras stay open, frames that cannot be written are counted", error)

    def well(self) -> None:
        """Redis took a frame, or a beat."""
        if self._problem and self.up and time.monotonic() - self._trouble_at > WELL_AFTER_S:
            self._problem = ""
            log.info("Redis takes frames again")

    def run(self, stop: threading.Event, each_second: Callable[[], None]) -> None:
        """The link's thread."""
        while not stop.is_set():
            self.last_beat = time.monotonic()
            wait_s = 1.0
            try:
                if not self.up:
                    self._check()
                elif time.monotonic() - self._clock_set_at > CLOCK_EVERY_S:
                    self._set_clock()
                    self._agree()
                each_second()
                self._backoff.succeeded()
                if self._cluster:
                    self.well()
            except StoreError as error:  # say so once, and try again after a while
                self.lost(error)
                wait_s = self._backoff.failed()
            stop.wait(wait_s)

    def _check(self) -> None:
        self.look()
        self._set_clock()
        if self._problem:
            log.info("Redis %s is there", self._version)
        self._problem = ""
        self.generation += 1
        self._up.set()

    def _agree(self) -> None:
        """A server that restarted lost the number of shards, and nothing else of a cluster may tell. Raises StoreError."""
        try:
            check_shards(self.client, self.keys)
        except (StoreUnavailable, StoreFull):
            raise
        except StoreError:  # another number: no camera writes until it is ours
            self._up.clear()
            raise

    def _set_clock(self) -> None:
        metrics.CLOCK_SKEW.set(self.clock.set_from(self.client))
        self._clock_set_at = time.monotonic()
