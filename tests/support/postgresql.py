"""A real PostgreSQL of Debian's, with a data folder and a socket of its own; it does not run as root."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from tests.support.patience import PATIENCE, PROCESS_S
from tests.support.video_files import skip_or_fail


class PostgresqlServer:
    """Started, killed and started again by tests; `url` is that of its superuser, over a socket."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        if not found:
            skip_or_fail("no PostgreSQL: install Debian's postgresql (`make test-tools`)")
        self._bin = found[-1]
        self._as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        self._folder = Path(tempfile.mkdtemp(prefix="fer-pg-"))
        self.data = self._folder / "data"
        self.data.mkdir()
        if self._as:
            for path in (self._folder, self.data):
                shutil.chown(path, "nobody", "nogroup")
        self._run("initdb", "-D", str(self.data), "-U", "fer", "--auth=trust", "--no-sync")
        self.url = f"postgresql://fer@/postgres?host={self._folder}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers. It refuses for as long as children of one that was killed are left."""
        until = time.monotonic() + 30 * PATIENCE
        self._process = None
        while True:
            try:
                if self._process is None or self._process.poll() is not None:
                    self._process = self._launch()
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    self.kill()
                    raise
                time.sleep(0.1)

    def _launch(self) -> "subprocess.Popen[bytes]":
        options = ["-k", str(self._folder), "-c", "listen_addresses=", "-c", "full_page_writes=off"]
        with (self._folder / "log").open("ab") as said:
            return subprocess.Popen(
                [*self._as, str(self._bin / "postgres"), "-D", str(self.data), *options], stdout=said, stderr=said, cwd="/"
            )

    def kill(self) -> None:
        """Kill -9; its children see that, and end."""
        assert self._process
        self._process.kill()
        self._process.wait(timeout=PROCESS_S)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows that a statement gives."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self._as, str(self._bin / program), *arguments], check=True, capture_output=True, timeout=PROCESS_S, cwd="/"
        )
