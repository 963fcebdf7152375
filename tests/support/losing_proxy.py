"""A proxy before a Redis that loses a request or a reply when told: what a broken connection does."""

import socket
import threading
from pathlib import Path
from typing import Literal

Fault = Literal["request", "reply"]


class LosingProxy:
    """Passes requests on until `lose` says which to lose: the whole connection ends there, as the client sees it.

    A lost request never reached Redis; of a lost reply the request was executed.
    """

    def __init__(self, target: Path, path: Path) -> None:
        self._target, self._fault, self._passing = target, None, 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.url = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, fault: Fault | None, passing: int = 0) -> None:
        """Lose the next request, or its reply, after so many that pass; None loses nothing more."""
        self._fault, self._passing = fault, passing

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._target))
            threading.Thread(target=self._serve, args=(near, far), daemon=True).start()

    def _serve(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            # A request of these tests fits one read here, and so does a reply.
            while request := near.recv(1 << 20):
                fault = self._next_fault(request)
                if fault == "request":
                    return
                far.sendall(request)
                reply = far.recv(1 << 20)
                if fault == "reply":
                    return
                near.sendall(reply)

    def _next_fault(self, request: bytes) -> Fault | None:
        if self._fault is None or b"CLIENT" in request:  # what a connection begins with
            return None
        if self._passing:
            self._passing -= 1
            return None
        fault, self._fault = self._fault, None
        return fault
