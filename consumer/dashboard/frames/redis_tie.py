"""The tie to Redis of all cameras whose frames people send: one client, one clock, one rights check, and the leases of names."""

import logging
import threading
import time

from ferstream.consumer.dashboard.frames import metrics
from ferstream.consumer.dashboard.frames.sent_camera import SentCamera
from ferstream.streams.errors import StoreError, StoreRefused
from ferstream.streams.frames.name_lease import NameTaken
from ferstream.streams.frames.status_board import LEASE_S, StatusBoard
from ferstream.streams.redis_client.acl_check import check_rights, producer_commands
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.redis_client.preflight import check_server
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

RENEW_EVERY_S = 1.0
#: Each program has one group unless somebody chose another.
GROUP = "workers"


class RedisTie:
    """Gives names to cameras, and keeps them for as long as these are there. Its methods block: call them in a thread."""

    def __init__(self, url: str, prefix: str, shards: int | None) -> None:
        self.client, self.clock = connect(url), ServerClock()
        self._prefix, self._shards = prefix, shards
        self._board = StatusBoard(self.client, Keys(prefix).cameras)
        self._taking, self._lock = threading.Lock(), threading.Lock()
        self._cameras: dict[str, SentCamera] = {}
        self._stop = threading.Event()
        self._thread = vital_thread(self._run, "sent-cameras")

    def take(self, camera_id: str, kind: metrics.Kind, budget_bytes: int) -> SentCamera:
        """A camera of this name. Raises NameTaken; StoreRefused where this user may not write frames; another StoreError."""
        with self._taking:
            if camera_id in self._cameras:
                raise NameTaken(f"the name {camera_id} is in use on this page: take another")
            keys = self._look()
            camera = SentCamera(
                self.client,
                keys,
                self.clock,
                camera_id,
                kind=kind,
                producer=self._board.holder,
                group=GROUP,
                budget_bytes=budget_bytes,
            )
            asked_at = time.monotonic()
            if holder := self._board.renew({camera_id: camera.status()}).get(camera_id):
                raise NameTaken(f"the name {camera_id} is held by {holder}: take another")
            camera.permit(asked_at + LEASE_S)
            with self._lock:
                self._cameras[camera_id] = camera
                if not self._thread.ident:
                    self._thread.start()
            return camera

    def give_back(self, camera: SentCamera) -> None:
        """The camera has left: its name is free, and nothing is said of it any more."""
        with self._lock:
            self._cameras.pop(camera.camera_id, None)
        try:
            self._board.remove([camera.camera_id])
        except StoreError as error:  # it falls silent by itself
            log.info("the name %s was not released: %s", camera.camera_id, error)

    def close(self) -> None:
        """Stop renewing, after the cameras have left."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join()
        self.client.close()

    def _look(self) -> Keys:
        """Whether frames can be written to this Redis by this user, and over how many shards."""
        try:
            with translated():
                told = self.client.get(Keys(self._prefix).shard_count)
            keys = Keys(self._prefix, self._shards) if self._shards else Keys(self._prefix).sharded(told)
            check_server(self.client, keys, self.clock)
            check_rights(self.client, producer_commands(keys))
        except StoreRefused as error:
            needs = (
                "; a dashboard's user needs the rights of a producer too (docs/dashboard.md)" if error.code == "NOPERM" else ""
            )
            raise StoreRefused(f"{error}{needs}", error.code) from error
        return keys

    def _run(self) -> None:
        problem = ""
        while not self._stop.wait(RENEW_EVERY_S):
            try:
                self._renew()
                problem = ""
            except StoreError as error:
                if not problem:
                    log.warning("the names of people's cameras could not be renewed: %s", error)
                problem = str(error)

    def _renew(self) -> None:
        with self._lock:
            cameras = dict(self._cameras)
        if not cameras:
            return
        self.clock.set_from(self.client)
        asked_at = time.monotonic()
        others = self._board.renew({name: camera.status() for name, camera in cameras.items()})
        for name, camera in cameras.items():
            if holder := others.get(name):
                camera.lost = f"the name {name} is held by {holder} now, as this server did not renew it in time"
                camera.permit(0.0)
            else:
                camera.permit(asked_at + LEASE_S)
        self._forget_left(cameras)

    def _forget_left(self, renewed: dict[str, SentCamera]) -> None:
        """A camera that left while its status was under way was written once more."""
        with self._lock:
            left = [name for name in renewed if name not in self._cameras]
        self._board.remove(left)
