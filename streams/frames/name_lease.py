"""One name of a status board, held by one process: so two workers never read under one name, nor two sinks make one minute."""

import threading
import time
from collections.abc import Callable

from ferstream.streams.errors import FerstreamError
from ferstream.streams.frames.status_board import LEASE_S, Status, StatusBoard

#: A name whose holder was killed is free by then; one that is still held has a living holder.
WAIT_S = LEASE_S + 1.0
RETRY_S = 0.25


class NameTaken(FerstreamError):
    """Another process has the name."""


class NameLease:
    """The lease of one name, from `take` to `release`; `renew` keeps it. Safe to use from several threads.

    `taken` and `advice` are what is said where another has it: "the name w is held by worker", and what to do.
    """

    def __init__(self, board: StatusBoard, name: str, status: Callable[[], Status], *, taken: str, advice: str) -> None:
        self._board, self._name, self._status = board, name, status
        self._taken, self._advice = taken, advice
        self._lock = threading.Lock()  # what was released must not be written once more by a thread that was under way
        self._held, self._released = False, False
        self.lost: str | None = None  # a line that says who has taken the name, since this process did not renew it in time

    def take(self, give_up: Callable[[], bool] = lambda: False) -> None:
        """Have the name; one whose holder has fallen silent is waited for. Raises NameTaken, and StoreError without Redis."""
        until = time.monotonic() + WAIT_S
        while taken := self._write():
            if time.monotonic() > until or give_up():
                raise NameTaken(f"{taken}: {self._advice}")
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
        return f"{self._taken} {holder}" if holder else None
