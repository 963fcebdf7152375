"""`fer-producer run`: from settings to a running fleet, and its ordered end."""

import json
import logging
import os
import signal
import socket
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from types import FrameType
from typing import TYPE_CHECKING

from ferstream.producer import metrics
from ferstream.producer.camera import HANGS_AFTER_S
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.config.camera_list import CameraList
from ferstream.producer.config.partition import Partition
from ferstream.producer.errors import ConfigError
from ferstream.producer.fleet import Fleet
from ferstream.producer.memory_check import MemoryCheck
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.errors import StoreError
from ferstream.streams.service.health_server import StatusServer
from ferstream.streams.service.logs import about
from ferstream.streams.service.shutdown import Shutdown
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

log = logging.getLogger(__name__)

#: How often files with cameras are looked at.
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """What `run` was told. `cameras` are read again when their files change, and after a SIGHUP.

    They are all cameras: those of other producers too, where `partition` says that they share it.
    """

    cameras: CameraList
    partition: Partition | None
    redis_url: str
    keys: Keys
    group: str
    metrics_host: str
    metrics_port: int
    other_port: bool  # another one does where that is taken
    camera_labels: bool
    stay: bool
    trace_endpoint: str | None
    trace_one_in: int


class Service:
    """One producer process. Make and run it in the main thread."""

    def __init__(self, options: ServiceOptions) -> None:
        self._options = options
        self._shutdown = Shutdown()
        self._reload = threading.Event()
        signal.signal(signal.SIGHUP, self._on_hangup)
        self._link = RedisLink(options.redis_url, options.keys)
        self._tracing = self._open_tracing()
        self._fleet = Fleet(self._link, group=options.group, camera_labels=options.camera_labels, tracing=self._tracing)
        self._link_stop = threading.Event()
        self._link_thread = vital_thread(self._link.run, "redis-link", (self._link_stop, self._fleet.report))
        self._last_loop = self._look_at = time.monotonic()
        self._cameras: list[CameraConfig] = []  # all, those of other partitions too
        self._memory = MemoryCheck(self._link)
        self._idle = False  # a partition without a camera waits for one

    def run(self) -> list[str]:
        """Until a signal, or until every camera has ended; returns the cameras that could not be read to their end.

        Raises ConfigError, StoreRefused where waiting will not help, FerstreamError where the metrics port cannot be had.
        """
        cameras = self._options.cameras.read()
        self._link.open()
        self._memory.refuse(cameras)
        server = StatusServer(
            self._options.metrics_host,
            self._options.metrics_port,
            healthy=self._unhealthy,
            ready=self._unready,
            registry=metrics.ALL,
            other_port=self._options.other_port,
        )
        log.info("metrics, health and readiness on port %d", server.port)
        self._shutdown.add("stop the cameras, write their last frames", self._fleet.stop)
        self._shutdown.add("say so in Redis", self._say_farewell)
        if self._tracing:
            self._shutdown.add("send the last spans", self._tracing.close)
        self._shutdown.add("close the metrics port", server.close)
        self._link_thread.start()
        self._apply(cameras)
        self._loop()
        failed = self._fleet.failed
        self._shutdown.run()
        self._summarise()
        return failed

    def summary(self) -> str:
        """How many frames were captured, written and dropped in the whole run, by camera too: one line of JSON."""
        totals = self._fleet.totals()
        dropped: Counter[str] = Counter()
        for each in totals.values():
            dropped.update(each.dropped)
        whole = {
            "captured": sum(each.captured for each in totals.values()),
            "written": sum(each.written for each in totals.values()),
            "dropped": dict(dropped),
            "cameras": {name: asdict(each) for name, each in totals.items()},
        }
        return json.dumps(whole, ensure_ascii=False)

    def _loop(self) -> None:
        while not self._shutdown.requested.wait(0.2):
            self._last_loop = time.monotonic()
            if self._reload.is_set() or self._files_changed():
                self._reload.clear()
                self._read_again()
            self._memory.watch(self._cameras)
            if self._fleet.finished and not self._options.stay and not self._idle:
                log.info("every camera has ended")
                return

    def _files_changed(self) -> bool:
        if self._last_loop < self._look_at:
            return False
        self._look_at = self._last_loop + LOOK_EVERY_S
        return self._options.cameras.changed()

    def _read_again(self) -> None:
        try:
            cameras = self._options.cameras.read()
            self._memory.ask_again()
            self._memory.refuse(cameras)
        except ConfigError as error:  # the cameras that run go on as they are
            log.error("the cameras stay as they are: %s", error)  # noqa: TRY400 - a mistake in a file needs no traceback
            return
        self._apply(cameras)
        log.info("cameras read again: %d", len(cameras))

    def _apply(self, cameras: list[CameraConfig]) -> None:
        partition = self._options.partition
        mine = [camera for camera in cameras if partition is None or partition.holds(camera.camera_id)]
        self._cameras = cameras
        self._idle = partition is not None and not mine
        if partition is not None:
            waiting = "; waiting for one" if self._idle else ""
            log.info("partition %s has %d of %d cameras%s", partition, len(mine), len(cameras), waiting)
        self._fleet.apply(mine)

    def _open_tracing(self) -> "Tracing | None":
        if self._options.trace_endpoint is None:
            return None
        from ferstream.streams.service.tracing import Tracing  # an extra

        return Tracing(
            self._options.trace_endpoint,
            "fer-producer",
            f"{socket.gethostname()}:{os.getpid()}",
            self._link.clock,
            one_in=self._options.trace_one_in,
        )

    def _say_farewell(self) -> None:
        self._link_stop.set()
        self._link_thread.join(timeout=2)
        if self._link.up:
            try:
                self._fleet.leave()
            except StoreError as error:  # the statuses fall silent by themselves
                log.warning("the last status was not written: %s", error)
        self._link.client.close()

    def _summarise(self) -> None:
        for name, totals in self._fleet.totals().items():
            reasons = ", ".join(f"{reason} {frames}" for reason, frames in sorted(totals.dropped.items())) or "none"
            log.info(
                "camera %s: captured %d, written %d, dropped: %s",
                name,
                totals.captured,
                totals.written,
                reasons,
                extra=about(name),
            )

    def _unhealthy(self) -> str | None:
        oldest = min(self._last_loop, self._link.last_loop)
        silent_s = time.monotonic() - oldest
        return f"a loop has not come round for {silent_s:.0f} s" if silent_s > HANGS_AFTER_S else None

    def _unready(self) -> str | None:
        if self._shutdown.requested.is_set():
            return "shutting down"
        return self._link.away or self._memory.problem

    def _on_hangup(self, _number: int, _frame: FrameType | None) -> None:
        self._reload.set()
