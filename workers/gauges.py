"""What is done once a second: a worker's gauges, how busy its stages are and what waits in Redis, and its status."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import count

import redis

from ferstream.streams.errors import StoreError
from ferstream.streams.frames.account import read_account
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys
from ferstream.workers import metrics

log = logging.getLogger(__name__)

#: The rate of frames is that of so many seconds.
RATE_OVER_S = 5
#: The account is of the whole deployment, so every worker asks for the same: once in so many rounds.
ACCOUNT_EVERY = 5


class GaugeUpdater:
    """Sets gauges and the clock until stopped, on a thread each for the stages, for what waits in Redis, and for the status.

    So a Redis that hangs holds up its own gauges only, and no status falls silent for the other shards of a cluster. `busy_s`
    gives the seconds that each stage has worked so far, by thread on average; `renew` writes the status.
    """

    def __init__(
        self,
        client: "redis.Redis",
        keys: Keys,
        clock: ServerClock,
        readers: Sequence[FrameReader],
        busy_s: Callable[[], list[float]],
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._keys, self._clock = client, keys, clock
        self._readers, self._busy_s, self._renew = readers, busy_s, renew
        self.busy, self.frames_per_second = 0.0, 0.0
        self._pending = dict.fromkeys(readers, 0)
        self._stop = threading.Event()
        self._stages_beat, self._redis_beat, self._status_beat = Heartbeat(), Heartbeat(), Heartbeat()
        self._threads = [
            vital_thread(self._run_stages, "gauges-stages"),
            vital_thread(self._run_redis, "gauges-redis"),
            vital_thread(self._run_status, "gauges-status"),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def silent_s(self) -> float:
        """For how long the slowest of its loops has not come round."""
        return max(beat.silent_s() for beat in (self._stages_beat, self._redis_beat, self._status_beat))

    def stop(self) -> None:
        """End the threads within a second; returns at once, since one may hang in Redis."""
        self._stop.set()

    def _run_stages(self) -> None:
        before, at = self._busy_s(), time.monotonic()
        published = deque([(at, metrics.total(metrics.PUBLISHED))], maxlen=RATE_OVER_S + 1)
        while not self._stop.wait(1.0):
            self._stages_beat.beat()
            busy, now = self._busy_s(), time.monotonic()
            self.busy = min(1.0, max(b - a for a, b in zip(before, busy, strict=True)) / (now - at))
            metrics.BUSY.set(self.busy)
            before, at = busy, now
            published.append((now, metrics.total(metrics.PUBLISHED)))
            self.frames_per_second = (published[-1][1] - published[0][1]) / (now - published[0][0])

    def _run_redis(self) -> None:
        for turn in count():
            if self._stop.wait(1.0):
                return
            metrics.TRIMMED.set(sum(reader.trimmed for reader in self._readers))
            self._look(self._set_clock, self._redis_beat)
            for reader in self._readers:
                self._look(lambda reader=reader: self._count(reader), self._redis_beat)  # type: ignore[misc]
            metrics.PENDING.set(sum(self._pending.values()))
            if turn % ACCOUNT_EVERY == 0:
                self._look(self._set_account, self._redis_beat)

    def _run_status(self) -> None:
        while not self._stop.wait(1.0):
            self._look(self._renew, self._status_beat)

    def _look(self, at_one_server: Callable[[], None], heartbeat: Heartbeat) -> None:
        heartbeat.beat()  # each look waits for its time-outs at most
        try:
            at_one_server()
        except StoreError as error:  # the reading loop warns of it and goes on trying; the gauges keep their last values
            log.debug("gauges and status are not written: %s", error)

    def _set_clock(self) -> None:
        metrics.CLOCK_SKEW.set(self._clock.set_from(self._client))

    def _set_account(self) -> None:
        account = read_account(self._client, self._keys)
        for outcome, frames in asdict(account).items():
            metrics.ACCOUNT.labels(outcome).set(sum(frames.values()) if isinstance(frames, dict) else frames)
        metrics.BALANCE.set(account.balance)

    def _count(self, reader: FrameReader) -> None:
        self._pending[reader] = reader.pending(self._client)
        for shard in reader.shards:
            stream = self._keys.frames(shard)
            with translated():
                used = self._client.memory_usage(stream, samples=0)
                waiting = self._client.xlen(stream)
            metrics.STREAM_BYTES.labels(str(shard)).set(used or 0)
            metrics.STREAM_ENTRIES.labels(str(shard)).set(waiting)
