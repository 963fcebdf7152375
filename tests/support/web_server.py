"""An ASGI app behind a real uvicorn, on a free port, in a thread of the test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.support.patience import PROCESS_S


@contextmanager
def serving(app: Any, host: str = "127.0.0.1", **options: Any) -> Iterator[int]:
    """The port on which it is served. Its log is the test's, and it reads no header of proxies by itself."""
    config = uvicorn.Config(
        app, host=host, port=0, log_config=None, access_log=False, proxy_headers=False, server_header=False, **options
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + PROCESS_S
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started, "uvicorn has not started"
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(PROCESS_S)
