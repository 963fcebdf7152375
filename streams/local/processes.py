"""The processes that run the programs on this machine: started, asked whether they are ready, and ended in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Any

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.threads import vital_thread

#: A process that has not ended by then is killed.
STOP_S = 30.0
#: A worker opens its models in a few seconds; a busy machine is slow.
READY_S = 120.0


class ProgramProcess:
    """One program that runs. Its log goes to standard error, or into the file `log`, or line by line to `hear`, on a thread.

    With `collect` its standard output is kept for the end. With `listens` it waits for a line, which `tell` gives it. Its
    environment is ours, or `variables`. It ends when this process is gone, also where that was killed.
    """

    def __init__(
        self,
        name: str,
        program: str,
        *arguments: str,
        collect: bool = False,
        listens: bool = False,
        log: Path | None = None,
        hear: Callable[[str], None] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self._log = name, log
        self._listener: threading.Thread | None = None
        watched, held = os.pipe()
        self._lifeline = os.fdopen(held, "wb", buffering=0)  # closed by `stop`, or by the kernel
        begin = f"from ferstream.streams.local.lifeline import end_with_parent; end_with_parent({watched})"
        # Ctrl-C reaches the whole group of a terminal. These end in the order of a frame's way instead, so they have their own.
        with os.fdopen(watched, "rb"), log.open("wb") if log else self._to(hear) as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"{begin}; from ferstream.streams.programs import {program}; {program}()", *arguments],
                stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
                stdout=subprocess.PIPE if collect else None,
                stderr=errors,
                text=True,
                start_new_session=True,
                pass_fds=[watched],
                env=variables,
            )

    def _to(self, hear: Callable[[str], None] | None) -> "IO[bytes] | nullcontext[None]":
        """Where its log goes: to ours, or into a pipe whose lines `hear` gets."""
        if hear is None:
            return nullcontext()
        reading, writing = os.pipe()
        self._listener = vital_thread(_hear, f"log of {self.name}", (reading, hear))
        self._listener.start()
        return os.fdopen(writing, "wb")

    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self, port: int, look: Callable[[], None] = lambda: None) -> None:
        """Until its /readyz says so; `look` is called again and again, and may raise to end the wait.

        Raises FerstreamError where the program ended, or took longer than READY_S.
        """
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.running():
            look()
            if is_ready(port):
                return
            time.sleep(0.1)
        raise FerstreamError(f"the {self.name} did not become ready; {self.last_words()}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended gets none."""
        self._process.send_signal(number)

    def tell(self, line: str) -> None:
        """Give the program the line that it waits for."""
        if self._process.stdin:
            with suppress(BrokenPipeError):  # it has ended: whoever waits for it learns why
                self._process.stdin.write(f"{line}\n")
                self._process.stdin.flush()

    def last_words(self) -> str:
        """Where to read what the program said, or the last of it where that stands in a file."""
        if self._log is None:
            return "its own words are above"
        with suppress(OSError):
            lines = self._log.read_text("utf-8", "replace").split("\n")
            said = [line.removeprefix("Error: ").strip() for line in lines if line.strip()]
            return f"it said: {said[-1]}" if said else "it said nothing"
        return "what it said is gone"

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def stop(self) -> str:
        """End the process in order, and return what it wrote to standard output."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
        try:
            said, _ = self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        self._lifeline.close()
        if self._listener:
            self._listener.join(timeout=1)  # a process that it has left behind may hold the pipe open
        return said or ""

    def totals(self) -> dict[str, Any]:
        """End the process in order, and return its sums, the last line that it wrote. Raises FerstreamError without one."""
        said = self.stop().strip().splitlines()
        try:
            totals: dict[str, Any] = json.loads(said[-1])
        except (IndexError, ValueError) as error:
            raise FerstreamError(f"the {self.name} left without its sums; {self.last_words()}") from error
        return totals


def is_ready(port: int) -> bool:
    """Whether /readyz of a program on this machine says so."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):  # not listening, or not ready yet
        return False


def _hear(pipe: int, hear: Callable[[str], None]) -> None:
    with os.fdopen(pipe, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            hear(line.rstrip("\n"))


def free_port(host: str = "127.0.0.1", wanted: int = 0) -> int:
    """A port of this machine that nobody listens on now, or the one that is wanted. Raises OSError where that is taken."""
    family, *_, address = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what was closed just now is free
        listener.bind(address)
        return int(listener.getsockname()[1])
