"""A dashboard in a thread, for those who send it frames; and a page's side of that."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self

from prometheus_client import CollectorRegistry
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from ferstream.consumer.dashboard.frames.browser.page_messages import write_frame
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.server import build_app
from ferstream.consumer.dashboard.service import listen, make_server
from ferstream.consumer.dashboard.settings import DashboardSettings
from tests.support.patience import PATIENCE, PROCESS_S

#: A person may upload so often; each upload of a test is another person's.
_PEOPLE = itertools.cycle(f"127.0.1.{number}" for number in range(1, 255))


class FramesServer:
    """Serves on a free port as a context, with all that `fer-dashboard run` serves."""

    def __init__(self, redis_url: str, **settings: Any) -> None:
        self._settings = DashboardSettings(redis_url=redis_url, **settings)
        app = build_app(self._settings, Hub(self._settings, DashboardMetrics(CollectorRegistry())))
        self._server = make_server(app, self._settings)
        self._socket = listen("127.0.0.1", 0, other_port=False)
        self.port = self._socket.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def page(self, name: str = "", fps: float = 15.0) -> "Page":
        """A page whose camera has started."""
        page = Page(self)
        try:
            page.start(name, fps)
        except BaseException:
            page.close()
            raise
        return page

    def headers(self) -> dict[str, str]:
        """What a page sends with a request that changes something."""
        return {"Origin": self.origin, "X-CSRF-Token": self.get("/api/session")["csrf"]}

    def get(self, path: str) -> Any:
        """The JSON of an answer."""
        return self._ask("GET", path, None, {})[1]

    def analyze(self, body: bytes | Iterable[bytes], **headers: str) -> tuple[int, Any, http.client.HTTPMessage]:
        """POST /api/analyze: status, JSON and headers of the answer."""
        return self._ask("POST", "/api/analyze", body, self.headers() | headers)

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, PROCESS_S, source_address=(next(_PEOPLE), 0))
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer), answer.headers
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(30 * PATIENCE)
        self._socket.close()
        assert not self._thread.is_alive()


class Page:
    """What a page's script does, blocking. `camera` is the name that the server gave."""

    def __init__(self, server: FramesServer, **headers: str) -> None:
        self._stack = ExitStack()
        address = f"ws://127.0.0.1:{server.port}/api/browser-camera"
        connecting = connect(address, origin=server.origin, additional_headers=headers, compression=None, max_size=None)
        self.socket = self._stack.enter_context(connecting)
        self.camera = ""

    def start(self, name: str, fps: float) -> None:
        self.socket.send(json.dumps({"type": "start", "name": name, "fps": fps}))
        said = self.hear()
        assert said["type"] == "started", said
        self.camera = said["camera"]

    def send(self, sequence: int, jpeg: bytes) -> None:
        self.socket.send(write_frame(sequence, time.time() * 1000, jpeg))

    def hear(self, within_s: float = 10.0) -> dict[str, Any]:
        """The next message."""
        return json.loads(self.socket.recv(within_s * PATIENCE))

    def hear_of(self, sequence: int) -> dict[str, Any]:
        """The next message about a frame."""
        while (said := self.hear())["sequence"] != sequence:
            pass
        return said

    def ask(self, sequence: int, jpeg: bytes) -> dict[str, Any]:
        """The result of a frame, sent until there is one: on a busy machine a worker may take longer than a frame lives."""
        until = time.monotonic() + 30 * PATIENCE
        while time.monotonic() < until:
            self.send(sequence, jpeg)
            if (said := self.hear_of(sequence))["type"] == "result":
                return said
            time.sleep(0.1)
        raise AssertionError(f"no result: {said}")

    def close(self) -> None:
        with suppress(ConnectionClosed):  # by the server, with a code
            self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
