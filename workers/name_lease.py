"""A worker's name: held by renewing its status in `fer:workers`, so that two workers never read under one name."""

import threading
import time
from collections.abc import Callable

import redis

from ferstream.streams.errors import FerstreamError
from ferstream.streams.frames.status_board import LEASE_S, StatusBoard
from ferstream.streams.frames.worker_status import WorkerStatus

#: A name whose holder was killed is free by then; one that is still held has a living worker.
WAIT_S = LEASE_S + 1.0
RETRY_S = 0.25
#: A worker that vanished without leaving is told of for so long, then forgotten by the next who works: most names have a process
#: id or a pod's, nobody will ever take them again, and others have long since done what it held. Where nobody works, it stays.
FORGET_S = 300.0


class NameTaken(FerstreamError):
    """Another worker has the name."""


class NameLease:
    """The lease of one name, from `take` to `release`; `renew` keeps it. Safe to use from several threads."""

    def __init__(self, client: "redis.Redis", key: str, name: str, status: Callable[[], WorkerStatus]) -> None:
        self._board = StatusBoard(client, key, forget_s=FORGET_S)
        self._name, self._status = name, status
        self._lock = threading.Lock()  # what was released must not be written once more by a thread that was under way
        self._held, self._released = False, False
        self.lost: str | None = None  # a line that says who has taken the name, since this process did not renew it in time

    def take(self, give_up: Callable[[], bool] = lambda: False) -> None:
        """Have the name; one whose holder has fallen silent is waited for. Raises NameTaken, and StoreError without Redis."""
        until = time.monotonic() + WAIT_S
        while taken := self._write():
            if time.monotonic() > until or give_up():
                raise NameTaken(f"{taken}: give each worker a --name of its own")
            time.sleep(RETRY_S)
        self._held = True

    def renew(self) -> None:
        """Say how we are. Sets `lost` where the name was ours and is another's now. Raises StoreError."""
        taken = self._write()
        if taken and self._held:
            self.lost = f"{taken}, and this one did not renew it in time"

    def release(self) -> None:
        """Take our status out, for good: the name is free at once. Raises StoreError."""
        with self._lock:
            self._released = True
            self._board.remove([self._name])

    def _write(self) -> str | None:
        """Write our status; a line that says who has the name where that is somebody else."""
        with self._lock:
            holder = None if self._released else self._board.renew({self._name: self._status()}).get(self._name)
        return f"the name {self._name} is held by worker {holder}" if holder else None
