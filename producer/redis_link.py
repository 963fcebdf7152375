"""The producer's tie to Redis: whether it is there, what time it has, and one try at a time to get it back."""

import logging
import threading
import time
from collections.abc import Callable

import redis

from producer import metrics
from producer.backoff import Backoff
from streams.clock import ServerClock
from streams.connection import connect
from streams.errors import RedisError, RedisFull, RedisUnavailable
from streams.keys import Keys
from streams.server import check_server

log = logging.getLogger(__name__)

CLOCK_EVERY_S = 30.0
#: At its memory limit Redis takes one frame and refuses the next: it is well when nothing was refused for this long.
WELL_AFTER_S = 5.0


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
        self._problem, self._trouble_at = "", 0.0
        self._warnings: tuple[str, ...] = ()
        self._clock_set_at = 0.0

    @property
    def up(self) -> bool:
        return self._up.is_set()

    @property
    def problem(self) -> str:
        """What is wrong with Redis, or nothing."""
        return self._problem

    def open(self) -> None:
        """The first try. A Redis that is down or full may come; raises RedisError where waiting will not help."""
        try:
            self._check()
        except (RedisUnavailable, RedisFull) as error:
            self.lost(error)

    def lost(self, error: RedisError) -> None:
        """Somebody got no answer, or no room: frames are counted as dropped until the link's own thread gets one."""
        if isinstance(error, RedisUnavailable):
            self._up.clear()
        self.trouble(error)

    def trouble(self, error: RedisError) -> None:
        """Say what is wrong, once."""
        self._trouble_at = time.monotonic()
        if str(error) != self._problem:
            self._problem = str(error)
            log.warning("%s; cameras stay open, frames that cannot be written are counted", error)

    def well(self) -> None:
        """Redis took a frame."""
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
                each_second()
                self._backoff.succeeded()
            except RedisError as error:  # say so once, and try again after a while
                self.lost(error)
                wait_s = self._backoff.failed()
            stop.wait(wait_s)

    def _check(self) -> None:
        report = check_server(self.client, self.keys, self.clock)
        self._set_clock()
        for warning in report.warnings:
            if warning not in self._warnings:
                log.warning("%s", warning)
        self._warnings = report.warnings
        if self._problem:
            log.info("Redis %s is there", report.version)
        self._problem = ""
        self.generation += 1
        self._up.set()

    def _set_clock(self) -> None:
        metrics.CLOCK_SKEW.set(self.clock.set_from(self.client))
        self._clock_set_at = time.monotonic()
