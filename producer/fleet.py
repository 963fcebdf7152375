"""All cameras of one producer: which run, which are added, removed or started anew when the list changes.

A camera's name is a lease. What another producer reads is not opened here; it is asked for each second, and started when the
other has left it or has been silent for LEASE_S. A camera whose name another producer has taken, since this process hung, stops.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING

from ferstream.producer.camera import Camera
from ferstream.producer.camera_state import FrameCounts, Totals
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.errors import StoreUnavailable
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import LEASE_S, Holder, StatusBoard
from ferstream.streams.service.logs import about

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

log = logging.getLogger(__name__)

#: A lease that cannot be renewed, since the primary of a cluster that holds it is away, nobody else can take. The cameras on
#: other primaries write for so long without: the next try ends earlier.
UNCHECKED_S = 15.0
#: How long cameras that end may take, all together, to write their last frames: longer than a command's time-out.
WRITE_S = 8.0
#: And then to close their sources. What hangs in a read is left.
CLOSE_S = 1.0


class Fleet:
    """Runs the cameras that `apply` was last given; their counts go on over restarts."""

    def __init__(self, link: RedisLink, *, group: str, camera_labels: bool, tracing: "Tracing | None" = None) -> None:
        self._link, self._group, self._camera_labels, self._tracing = link, group, camera_labels, tracing
        self._board = StatusBoard(link.client, link.keys.cameras)
        self._cameras: dict[str, Camera] = {}
        self._waiting: dict[str, CameraConfig] = {}  # for their names
        self._held: dict[str, Holder] = {}  # those of them that another producer has
        self._gone: dict[str, Camera | None] = {}  # removed, but still in Redis
        self._taken: list[Camera] = []  # stopped, since another producer took their names
        self._counts: dict[str, FrameCounts] = {}
        self._lock = threading.Lock()  # the link's thread reports while the main thread changes the fleet
        self._starting = threading.Lock()  # one of them at a time asks for names
        self._stopped = False

    def apply(self, configs: list[CameraConfig]) -> None:
        """Stop cameras that are not in the list any more or are there with other settings, start those that are new."""
        wanted = {config.camera_id: config for config in configs}
        with self._starting, self._lock:
            leaving = {name: camera for name, camera in self._cameras.items() if wanted.get(name) != camera.config}
            self._gone |= dict.fromkeys(name for name in self._waiting if name not in wanted)
            self._wait_for({name: config for name, config in self._waiting.items() if wanted.get(name) == config})
        self._end(list(leaving.values()))
        with self._starting, self._lock:
            for name, camera in leaving.items():
                self._cameras.pop(name, None)
                if name not in wanted:
                    self._gone[name] = camera
            self._wait_for({name: config for name, config in wanted.items() if name not in self._cameras})
        self._start_free()

    def stop(self) -> None:
        """End all cameras and wait until their last frames are written, for a bounded time."""
        with self._starting:
            self._stopped = True
        self._end([*self._running().values(), *self._taken])

    def report(self) -> None:
        """Write every camera's status, and so renew its lease. Raises StoreError.

        Cameras whose names are free now are started, and those that were removed are taken out of Redis.
        """
        self._renew()
        self._start_free()
        self._remove_gone()

    def leave(self) -> None:
        """Write every camera's last status, after `stop`; its name is free then. Raises StoreError."""
        self._board.leave({name: camera.status() for name, camera in self._running().items()})
        self._board.remove(self._beside(name) for name in self._held)

    @property
    def finished(self) -> bool:
        """Whether every camera's source has ended."""
        return not self._waiting and all(camera.finished for camera in self._running().values())

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

    def _wait_for(self, configs: dict[str, CameraConfig]) -> None:
        self._waiting = configs
        self._held = {name: holder for name, holder in self._held.items() if name in configs}

    def _renew(self) -> None:
        with self._lock:
            running = dict(self._cameras)
            statuses = {self._beside(name): _held(self._waiting[name], holder) for name, holder in self._held.items()}
        asked_at = time.monotonic()
        statuses |= {name: camera.status() for name, camera in running.items()}
        try:
            others = self._board.renew(statuses)
        except StoreUnavailable:
            for camera in running.values() if self._link.is_cluster else ():
                camera.permit(time.monotonic() + UNCHECKED_S)
            raise
        if time.monotonic() > asked_at + LEASE_S:
            self._link.on_error(StoreUnavailable("Redis answers too late to renew the leases of cameras' names"))
        for name, camera in running.items():
            if holder := others.get(name):
                self._give_up(name, camera, holder)
            else:
                camera.permit(asked_at + LEASE_S)

    def _start_free(self) -> None:
        """Start the cameras whose names are free. While Redis is away that cannot be known: they start, and write nothing yet."""
        with self._starting:
            with self._lock:
                waiting = {} if self._stopped else dict(self._waiting)
            held, until = self._take(waiting)
            for name, config in waiting.items():
                if holder := held.get(name):
                    self._hold(name, holder)
                else:
                    self._start(config, until)

    def _take(self, waiting: dict[str, CameraConfig]) -> tuple[dict[str, Holder], float]:
        """Ask for names; returns who holds which of them, and until when the others are ours. Raises StoreRefused."""
        asked_at = time.monotonic()
        if not waiting or not self._link.up:
            return {}, 0.0
        try:
            held = self._board.renew({name: _connecting(config) for name, config in waiting.items()})
        except StoreUnavailable as error:
            self._link.on_unavailable(error)
            return {}, 0.0
        return held, asked_at + LEASE_S

    def _hold(self, name: str, holder: Holder) -> None:
        with self._lock:
            known, self._held[name] = self._held.get(name), holder
        if known != holder:
            log.warning("camera %s is read by %s: it starts here when that one leaves", name, holder, extra=about(name))

    def _start(self, config: CameraConfig, until: float) -> None:
        name = config.camera_id
        label = name if self._camera_labels else ""
        counts = self._counts.setdefault(name, FrameCounts(label))
        camera = Camera(
            config, self._link, counts, producer=self._board.holder, label=label, group=self._group, tracing=self._tracing
        )
        with self._lock:
            self._cameras[name] = camera
            del self._waiting[name]
            if self._held.pop(name, None):
                self._gone[self._beside(name)] = None
        log.info("camera %s: connecting to %s", name, config.shown_url, extra=about(name))
        camera.permit(until)
        camera.start()

    def _give_up(self, name: str, camera: Camera, holder: Holder) -> None:
        """Another producer has taken the name."""
        log.error("camera %s is read by %s, since this process did not renew its lease: it stops here", name, holder)
        camera.permit(0.0)
        camera.stop()
        with self._lock:
            if self._cameras.get(name) is camera:
                del self._cameras[name]
                self._waiting[name] = camera.config
                self._taken = [*(other for other in self._taken if not other.finished), camera]

    def _remove_gone(self) -> None:
        with self._lock:
            gone = dict(self._gone)
        for name, camera in gone.items():
            if name not in self._running():
                if camera:
                    camera.remove()
                    log.info("camera %s is removed", name, extra=about(name))
                self._board.remove([name, self._beside(name)])
            with self._lock:
                self._gone.pop(name, None)

    def _beside(self, name: str) -> str:
        """Where the status of a camera stands whose own place another producer has."""
        return f"{name}@{self._board.holder}"

    def _end(self, cameras: list[Camera]) -> None:
        """One deadline for all: a camera that hangs costs no more time beside a hundred others that do."""
        for camera in cameras:
            camera.stop()
        until = time.monotonic() + WRITE_S
        for camera in cameras:
            if not camera.join(until):
                name = camera.config.camera_id
                log.warning("camera %s did not end in time and is left", name, extra=about(name))
        until = time.monotonic() + CLOSE_S
        for camera in cameras:
            camera.release(until)


def _connecting(config: CameraConfig) -> CameraStatus:
    return CameraStatus(camera_id=config.camera_id, state="connecting", url=config.shown_url)


def _held(config: CameraConfig, holder: Holder) -> CameraStatus:
    problem = f"camera {config.camera_id} is read by {holder}"
    return CameraStatus(camera_id=config.camera_id, state="held", url=config.shown_url, problem=problem)
