"""The producer's tie to Redis: whether it is there, what time it has, and one try at a time to get it back.

On one server all cameras share one RedisLink. On a cluster each shard has a ShardLink of its own over it, so that the cameras of
a primary that is down wait for it and the others do not.
"""

import logging
import threading
import time
from collections.abc import Callable

import redis

from ferstream.producer import metrics
from ferstream.streams.errors import StoreError, StoreRefused, StoreUnavailable
from ferstream.streams.redis_client.acl_check import check_rights, producer_commands
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect, is_cluster
from ferstream.streams.redis_client.preflight import check_server, check_shards
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: As often as workers do: where Redis's clock is set, frames would be stale to them until their producer follows.
CLOCK_EVERY_S = 1.0
#: At its memory limit Redis takes one frame and refuses the next: it is called well when nothing was refused for this long.
OK_AFTER_S = 5.0


class RedisLink:
    """Shared by all cameras of a process. Its thread runs `each_second` while Redis is there, and tries again while it is not.

    `generation` grows whenever Redis comes back. A camera that has seen an older one may have lost a reply while Redis was away,
    and finds out what became of that frame before it writes the next.
    """

    def __init__(self, url: str, keys: Keys) -> None:
        self.keys, self.clock = keys, ServerClock()
        self.client: redis.Redis = connect(url)
        self._up = threading.Event()
        self.generation = 0
        self.last_loop = time.monotonic()
        self._backoff = Backoff()
        self._problem, self._error_at, self._version = "", 0.0, ""
        self._warnings: tuple[str, ...] = ()
        self.max_memory_bytes: int | None = None  # 0: no limit; None: not known yet
        self._clock_set_at = 0.0
        self.is_cluster = is_cluster(url)
        self._shards: dict[int, ShardLink] = {}

    def of(self, camera_id: str) -> "RedisLink | ShardLink":
        """The link of the server that holds a camera's frames."""
        if not self.is_cluster:
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
        """Try for the first time. A Redis that is down or full is waited for. Raises StoreRefused where waiting will not help."""
        try:
            self._check()
        except StoreRefused:
            raise
        except StoreError as error:
            self.on_unavailable(error)

    def look(self) -> None:
        """Check Redis and our rights again, and learn its memory limit. Raises StoreError."""
        report = check_server(self.client, self.keys, self.clock)
        check_rights(self.client, producer_commands(self.keys))
        self.max_memory_bytes = report.max_memory_bytes
        for warning in report.warnings:
            if warning not in self._warnings:
                log.warning("%s", warning)
        self._warnings, self._version = report.warnings, report.version

    def on_unavailable(self, error: StoreError) -> None:
        """A command got no answer: frames are counted as dropped until the link's own thread gets one."""
        # A cluster that was there once stays up: each camera's shard has a link of its own.
        if isinstance(error, StoreUnavailable) and not (self.is_cluster and self.generation):
            self._up.clear()
        self.on_error(error)

    def on_error(self, error: StoreError) -> None:
        """A command was refused: log it, once for the same error."""
        self._error_at = time.monotonic()
        if str(error) != self._problem:
            self._problem = str(error)
            log.warning("%s; cameras stay open, frames that cannot be written are counted", error)

    def on_ok(self) -> None:
        """A command was done: log that the last problem is over, after OK_AFTER_S."""
        if self._problem and self.up and time.monotonic() - self._error_at > OK_AFTER_S:
            self._problem = ""
            log.info("Redis takes frames again")

    def run(self, stop: threading.Event, each_second: Callable[[], None]) -> None:
        """What the link's thread does until `stop` is set."""
        while not stop.is_set():
            self.last_loop = time.monotonic()
            wait_s = 1.0
            try:
                if not self.up:
                    self._check()
                elif time.monotonic() - self._clock_set_at > CLOCK_EVERY_S:
                    self._set_clock()
                    self._agree()
                each_second()
                self._backoff.succeeded()
                if self.is_cluster:
                    self.on_ok()
            except StoreError as error:  # say so once, and try again after a while
                self.on_unavailable(error)
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
        """Check the number of shards again: a primary that restarted has lost it, and another program may have written its own.

        Raises StoreError.
        """
        try:
            check_shards(self.client, self.keys)
        except StoreRefused:  # another number: no camera writes until it is ours
            self._up.clear()
            raise

    def _set_clock(self) -> None:
        metrics.CLOCK_SKEW.set(self.clock.set_from(self.client))
        self._clock_set_at = time.monotonic()


class ShardLink:
    """What RedisLink is on one server, for the cameras of one shard of a cluster. They try again themselves, once a second."""

    def __init__(self, link: RedisLink, shard: int) -> None:
        self._link, self._shard = link, shard
        self._lock = threading.Lock()
        self._backoff = Backoff()
        self._losses = 0
        self._retry_at = 0.0
        self.failure: str | None = None  # why the last command got no answer, until one gets it
        self._problem, self._error_at = "", 0.0

    @property
    def client(self) -> "redis.Redis":
        return self._link.client

    @property
    def keys(self) -> Keys:
        return self._link.keys

    @property
    def clock(self) -> ServerClock:
        return self._link.clock

    @property
    def up(self) -> bool:
        """Whether to try: the cluster is there, and the last failure of this shard is a while ago."""
        return self._link.up and time.monotonic() >= self._retry_at

    @property
    def generation(self) -> int:
        """Grows whenever the cluster comes back and with each command without an answer, as RedisLink's does."""
        return self._link.generation + self._losses

    def on_unavailable(self, error: StoreError) -> None:
        """A command got no answer: try again after a pause, which is the same for all cameras of the shard."""
        with self._lock:
            if isinstance(error, StoreUnavailable):
                self._losses += 1
                if time.monotonic() >= self._retry_at:  # once for all cameras that lose one reply each
                    self._retry_at = time.monotonic() + self._backoff.failed()
        self.on_error(error)

    def on_error(self, error: StoreError) -> None:
        """A command was refused or got no answer: log it, once for the same error."""
        with self._lock:
            known, self._problem, self._error_at = self._problem, str(error), time.monotonic()
            self.failure = self._problem if isinstance(error, StoreUnavailable) else None
        if self._problem != known:
            log.warning("shard %d: %s; its cameras stay open, their frames are counted as dropped", self._shard, error)

    def on_ok(self) -> None:
        """A command was done: log that the last problem is over, after OK_AFTER_S."""
        with self._lock:
            self.failure = None
            self._backoff.succeeded()
            mended = bool(self._problem) and time.monotonic() - self._error_at > OK_AFTER_S
            self._problem = "" if mended else self._problem
        if mended:
            log.info("shard %d takes frames again", self._shard)
