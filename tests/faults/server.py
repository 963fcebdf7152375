"""A Redis of a scenario: on a port, to be killed, started again with or without its data, copied to another, its clock put."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import redis

from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.embedded_redis import dismiss, find_redis_server, start_guarded
from ferstream.streams.redis_client.connect import connect
from tests.plays.scale_out.processes import free_port
from tests.support.paths import ROOT

#: Above the byte budgets of 64 cameras.
MAX_MEMORY = "2gb"


class Server:
    """Starts on construction; ends with its owner. With `durable` every write is on the disk before its reply.

    preload: variables of a library that it is to load. follow: the port of the server whose replica it is.
    """

    def __init__(self, folder: Path, *, durable: bool = False, preload: dict[str, str] | None = None, follow: int = 0) -> None:
        self.port = free_port()
        self._folder = folder / f"redis-{self.port}"
        self._folder.mkdir(parents=True)
        self._durable, self._preload, self._follow = durable, preload, follow
        self._guards: list[subprocess.Popen[bytes]] = []  # they end with the last of its lives, and take its folder with them
        self.client: redis.Redis = connect(f"redis://127.0.0.1:{self.port}/0")
        self.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """Again with its data where it is durable, else without."""
        settings = {
            "port": self.port,
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "always",
            "maxmemory": MAX_MEMORY,
            "maxmemory-policy": "noeviction",
            "dir": self._folder,
            "logfile": self._folder / "redis.log",
        }
        if self._follow:
            settings["replicaof"] = f"127.0.0.1 {self._follow}"
        words = [word for name, value in settings.items() for word in (f"--{name}", *str(value).split(" "))]
        # A library can be loaded before its own into a program that was linked to libraries, as Debian's is.
        program = shutil.which("redis-server") or "redis-server" if self._preload else find_redis_server()
        self._process, guard = start_guarded([program, *words], self._folder, self._preload)
        self._guards.append(guard)
        self._wait_until_it_answers()

    def kill(self) -> None:
        """As a crash would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self.client.close()
        for guard in self._guards:
            dismiss(guard)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
            except redis.RedisError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return


def clock_preload(folder: Path) -> dict[str, str]:
    """Variables with which a program's clock is where `put_clock` puts it. Raises FerstreamError where there is no C compiler."""
    library = folder / "put_clock.so"
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        raise FerstreamError("a clock can only be put on Linux, with a C compiler")
    if not library.exists():
        source = ROOT / "tests" / "support" / "put_clock.c"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source)], check=True)
        put_clock(folder, 0)
    return {"LD_PRELOAD": str(library), "PUT_CLOCK": str(folder / "clock")}


def put_clock(folder: Path, seconds: int) -> None:
    """So far ahead of the machine's."""
    path = folder / "clock"
    path.touch()
    with path.open("rb+") as file:  # in its place: it is mapped
        file.write(seconds.to_bytes(8, sys.byteorder, signed=True))
