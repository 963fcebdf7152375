"""A proxy before a Redis that loses a request or a reply when told: what a broken connection does."""

import socket
import threading
from pathlib import Path
from select import select
from typing import Literal

Fault = Literal["request", "reply"]


class LosingProxy:
    """Passes requests on until `lose` says which to lose: the whole connection ends there, as the client sees it.

    A lost request never reached Redis; of a lost reply the request was executed. `target` is a socket in a file, and `path` the
    one to listen at; or a port of this machine, and `port` is the one that it listens at.
    """

    def __init__(self, target: Path | int, path: Path | None = None) -> None:
        self._target, self._fault, self._passing = target, None, 0
        self._listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self._listener.bind(str(path) if path else ("127.0.0.1", 0))
        self._listener.listen()
        self.port = 0 if path else int(self._listener.getsockname()[1])
        self.url = f"unix://{path}" if path else f"redis://127.0.0.1:{self.port}"
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
            far = self._connect()
            threading.Thread(target=self._serve, args=(near, far), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self._target))
        return far

    def _serve(self, near: socket.socket, far: socket.socket) -> None:
        loses_reply = False
        with near, far:
            while True:
                readable, _, _ = select([near, far], [], [])
                if far in readable:
                    reply = far.recv(1 << 20)
                    if not reply or loses_reply:
                        return
                    near.sendall(reply)
                if near in readable:
                    request = near.recv(1 << 20)  # a request of these tests fits one read
                    if not request or (fault := self._next_fault(request)) == "request":
                        return
                    loses_reply = fault == "reply"
                    far.sendall(request)

    def _next_fault(self, request: bytes) -> Fault | None:
        if self._fault is None or b"CLIENT" in request:  # what a connection begins with
            return None
        if self._passing:
            self._passing -= 1
            return None
        fault, self._fault = self._fault, None
        return fault
