"""All cameras of one producer: which run, which are added, removed or started anew when the list changes."""

import logging
import os
import socket
import threading
from typing import TYPE_CHECKING

from ferstream.producer.camera import Camera
from ferstream.producer.camera_state import FrameCounts, Totals
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.frames.camera_status import write_statuses
from ferstream.streams.service.logs import about

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

log = logging.getLogger(__name__)


class Fleet:
    """Runs the cameras that `apply` was last given; their counts go on over restarts."""

    def __init__(self, link: RedisLink, *, group: str, camera_labels: bool, tracing: "Tracing | None" = None) -> None:
        self._link, self._group, self._camera_labels, self._tracing = link, group, camera_labels, tracing
        self._cameras: dict[str, Camera] = {}
        self._gone: dict[str, Camera] = {}  # removed, but still in Redis
        self._counts: dict[str, FrameCounts] = {}
        self._lock = threading.Lock()  # the link's thread reports while the main thread changes the fleet
        self._producer = f"{socket.gethostname()}:{os.getpid()}"

    def apply(self, configs: list[CameraConfig]) -> None:
        """Stop cameras that are not in the list any more or are there with other settings, start those that are new."""
        wanted = {config.camera_id: config for config in configs}
        running = self._running()
        leaving = {name: camera for name, camera in running.items() if wanted.get(name) != camera.config}
        self._end(list(leaving.values()))
        for name, camera in leaving.items():
            with self._lock:
                del self._cameras[name]
                if name not in wanted:
                    self._gone[name] = camera
        for name, config in wanted.items():
            if name not in running or name in leaving:
                self._start(config)

    def stop(self) -> None:
        """End all cameras and wait until their last frames are written, for a bounded time."""
        self._end(list(self._running().values()))

    def report(self) -> None:
        """Write every camera's status, and take those that were removed out of Redis. Raises StoreError."""
        running = self._running()
        statuses = [camera.status(self._producer) for camera in running.values()]
        write_statuses(self._link.client, self._link.keys, statuses)
        with self._lock:
            gone = dict(self._gone)
        for name, camera in gone.items():
            if name not in self._running():
                camera.remove()
                log.info("camera %s is removed", name, extra=about(name))
            with self._lock:
                self._gone.pop(name, None)

    @property
    def finished(self) -> bool:
        """Whether every camera's source has ended."""
        return all(camera.finished for camera in self._running().values())

    @property
    def failed(self) -> list[str]:
        """Cameras whose source could not be read to the end."""
        return [name for name, camera in self._running().items() if camera.failed]

    def totals(self) -> dict[str, Totals]:
        """Each camera's sums since the start, removed cameras included."""
        return {name: counts.totals() for name, counts in self._counts.items()}

    def _running(self) -> dict[str, Camera]:
        with self._lock:
            return dict(self._cameras)

    def _start(self, config: CameraConfig) -> None:
        name = config.camera_id
        label = name if self._camera_labels else ""
        counts = self._counts.setdefault(name, FrameCounts(label))
        camera = Camera(config, self._link, counts, label=label, group=self._group, tracing=self._tracing)
        with self._lock:
            self._cameras[name] = camera
        log.info("camera %s: connecting to %s", name, config.shown_url, extra=about(name))
        camera.start()

    def _end(self, cameras: list[Camera]) -> None:
        for camera in cameras:
            camera.stop()
        for camera in cameras:
            if not camera.join():
                name = camera.config.camera_id
                log.warning("camera %s did not end in time and is left", name, extra=about(name))
