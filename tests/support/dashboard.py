"""A dashboard of the test's own, as a process, and those who look at it."""

import asyncio
import json
import re
import socket
import struct
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.error import HTTPError

from prometheus_client import CollectorRegistry
from websockets.asyncio.client import ClientConnection, connect

from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.server import build_app
from ferstream.consumer.dashboard.service import make_server
from ferstream.consumer.dashboard.settings import DashboardSettings
from tests.support.patience import PROCESS_S
from tests.support.programs import start


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Dashboard:
    """`fer-dashboard run` on free ports, ready to be asked, unless nobody is to `wait` for Redis.

    `url` is its address, without a slash at the end.
    """

    def __init__(self, redis_url: str, *arguments: str, wait: bool = True) -> None:
        self.process = start("dashboard", "run", "--redis", redis_url, "--port", "0", "--metrics-port", "0", *arguments)
        self.url = self.metrics_url = ""
        assert self.process.stderr
        while not self.url:
            line = self.process.stderr.readline()
            assert line, f"it ended with {self.process.wait()}"
            if found := re.search(r"metrics on port (\d+)", line):
                self.metrics_url = f"http://127.0.0.1:{found[1]}"
            if found := re.search(r"the page is at (\S+)/$", line):
                self.url = found[1]
        if wait:
            self.wait_for("/readyz", lambda answer: answer.status == 200)

    def get(self, path: str) -> Answer:
        """The answer, also one that says what is wrong."""
        return _get(self.url + path)

    def metrics(self) -> dict[str, float]:
        """Its samples by name and labels, as /metrics has them."""
        lines = _get(f"{self.metrics_url}/metrics").body.decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def wait_for(self, path: str, good: Any, within_s: float = PROCESS_S) -> Answer:
        """Ask until the answer is good."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with suppress(OSError):  # it does not listen yet
                answer = self.get(path)
                if good(answer):
                    return answer
            time.sleep(0.05)
        raise AssertionError(f"{path} did not become so: {answer}")

    def live(self) -> connect:
        """Its WebSocket."""
        return live(self.url)

    def ended(self) -> tuple[int, str]:
        """Its exit status once it has ended, and what it logged since it was ready."""
        _, said = self.process.communicate(timeout=PROCESS_S)
        return self.process.returncode, said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@asynccontextmanager
async def served_here(redis_url: str, registry: CollectorRegistry) -> AsyncIterator[str]:
    """The same in this process's event loop, with metrics of its own; gives its address."""
    settings = DashboardSettings(redis_url=redis_url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = make_server(build_app(settings, Hub(settings, DashboardMetrics(registry))), settings)
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def live(url: str) -> connect:
    """The WebSocket of a page's server."""
    return connect(f"ws{url.removeprefix('http')}/api/live", max_size=None, compression=None, close_timeout=1)


async def next_of(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind; of a picture the JPEG is under `jpeg`."""
    async for message in socket:
        said = unpacked(message) if isinstance(message, bytes) else json.loads(message)
        if said["type"] == kind:
            return said
    raise AssertionError(f"it was closed ({socket.close_code}) before a {kind} came")


def unpacked(message: bytes) -> dict[str, Any]:
    """A picture: its length and JSON, then its JPEG."""
    (length,) = struct.unpack_from(">I", message)
    return json.loads(message[4 : 4 + length]) | {"jpeg": message[4 + length :]}


def _get(url: str) -> Answer:
    try:
        with urllib.request.urlopen(url, timeout=PROCESS_S) as reply:
            return Answer(reply.status, dict(reply.headers), reply.read())
    except HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())
