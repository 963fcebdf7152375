"""Real processes of a fleet, each with its log in a file, its port asked for its metrics, and its last words kept."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ferstream.streams.errors import FerstreamError

#: A process that has not ended so long after SIGTERM is killed: a worker's drain (20 s) and what comes around it.
STOP_S = 45.0


class Part:
    """One `fer-...` process. `module` is its command line's, as `ferstream.workers.cli`; `name` tells it from the others.

    `variables` go into its environment beside ours.

    Raises FerstreamError where it ends early, or leaves without its account.
    """

    def __init__(self, name: str, module: str, *arguments: str, folder: Path, variables: dict[str, str] | None = None) -> None:
        self.name, self.port = name, free_port()
        self.log = folder / f"{name}.log"
        ours = ("--metrics-host", "127.0.0.1", "--metrics-port", str(self.port))
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"from {module} import main; main()", *arguments, *ours],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | (variables or {}),
                start_new_session=True,  # Ctrl-C reaches this program alone, which then stops its parts in order
            )

    def running(self) -> bool:
        return self.process.poll() is None

    def get(self, path: str, timeout_s: float = 5.0) -> str | None:
        """What /metrics, /healthz or /readyz says; nothing where it says no, or does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout_s) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return None

    def wait_until_ready(self, patience_s: float = 120.0) -> Self:
        until = time.monotonic() + patience_s
        while time.monotonic() < until and self.running():
            if self.get("/readyz") is not None:
                return self
            time.sleep(0.05)
        raise FerstreamError(f"{self.name} did not become ready: {self.last_line()}")

    def signal(self, number: signal.Signals) -> None:
        if self.running():
            self.process.send_signal(number)

    def wait(self, patience_s: float = STOP_S) -> dict[str, Any]:
        """The account that the process prints at its end, after SIGTERM."""
        try:
            said, _ = self.process.communicate(timeout=patience_s)
            words: dict[str, Any] = json.loads(said.splitlines()[-1])
        except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
            raise FerstreamError(f"{self.name} left without its account: {self.last_line()}") from error
        return words

    def stop(self) -> dict[str, Any]:
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def last_line(self) -> str:
        return (self.log.read_text("utf-8", "replace").splitlines() or ["it said nothing"])[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
