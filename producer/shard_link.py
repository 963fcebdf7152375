"""On a Redis Cluster: the tie to the one primary that holds a shard. Its cameras wait for it; the others' do not."""

import logging
import threading
import time
from typing import TYPE_CHECKING

from ferstream.streams.errors import StoreError, StoreUnavailable
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.wire.keys import Keys

if TYPE_CHECKING:
    from ferstream.producer.redis_link import RedisLink

log = logging.getLogger(__name__)

#: At its memory limit Redis takes one frame and refuses the next: it is well when nothing was refused for this long.
WELL_AFTER_S = 5.0


class ShardLink:
    """Stands for its RedisLink before the cameras of one shard; they try again themselves, with their beats."""

    def __init__(self, link: "RedisLink", shard: int) -> None:
        self._link, self._shard = link, shard
        self._lock = threading.Lock()
        self._backoff = Backoff()
        self._losses = 0
        self._retry_at = 0.0
        self.failure: str | None = None  # the last answer that did not come, until one comes
        self._problem, self._trouble_at = "", 0.0

    @property
    def url(self) -> str:
        return self._link.url

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
        """Another one after each loss: there are lost replies to settle."""
        return self._link.generation + self._losses

    def lost(self, error: StoreError) -> None:
        """Somebody got no answer."""
        with self._lock:
            if isinstance(error, StoreUnavailable):
                self._losses += 1
                if time.monotonic() >= self._retry_at:  # once for all cameras that lose one reply each
                    self._retry_at = time.monotonic() + self._backoff.failed()
        self.trouble(error)

    def trouble(self, error: StoreError) -> None:
        """Say what is wrong, once."""
        with self._lock:
            known, self._problem, self._trouble_at = self._problem, str(error), time.monotonic()
            self.failure = self._problem if isinstance(error, StoreUnavailable) else None
        if self._problem != known:
            log.warning("shard %d: %s; its cameras stay open, their frames are counted as dropped", self._shard, error)

    def well(self) -> None:
        """The shard took a frame, or a beat."""
        with self._lock:
            self.failure = None
            self._backoff.succeeded()
            mended = bool(self._problem) and time.monotonic() - self._trouble_at > WELL_AFTER_S
            self._problem = "" if mended else self._problem
        if mended:
            log.info("shard %d takes frames again", self._shard)
