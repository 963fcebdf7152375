"""One HTTP port a process: /metrics for Prometheus, /healthz (the loop beats), /readyz (fit for work)."""

import errno
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, CollectorRegistry, Gauge
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.threads import vital_thread

log = logging.getLogger(__name__)

_READY = Gauge("fer_ready", "1 where /readyz says so, else 0.")

Check = Callable[[], str | None]
"""What is wrong, in a line, or None."""


class _Quiet(WSGIRequestHandler):
    timeout = 10  # a client that sends nothing does not hold a thread for ever

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: Prometheus asks every few seconds."""


class StatusServer:
    """Serves metrics, health and readiness until closed, on threads of its own.

    `healthy` and `ready` return what is wrong in one line, or None. Port 0 takes a free one, and so does a port that is taken
    where `other_port` says that nobody asked for that one; `port` tells which it became.
    Raises FerstreamError where the port cannot be had.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        healthy: Check,
        ready: Check,
        registry: CollectorRegistry = REGISTRY,
        other_port: bool = False,
    ) -> None:
        metrics = make_wsgi_app(registry)
        checks = {"/healthz": healthy, "/readyz": ready}

        def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if path == "/metrics":
                return metrics(environ, start_response)  # type: ignore[no-any-return]
            if path not in checks:
                return _answer(start_response, HTTPStatus.NOT_FOUND, "/metrics, /healthz or /readyz")
            problem = checks[path]()
            return _answer(start_response, HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK, problem or "ok")

        try:
            self._server = _listen(host, port, app, other_port=other_port)
        except (OSError, OverflowError) as error:
            raise FerstreamError(f"cannot serve metrics on {host}:{port}: {error} (choose another --metrics-port)") from error
        _READY.set_function(lambda: float(ready() is None))
        self.port = int(self._server.server_port)
        self._thread = vital_thread(self._server.serve_forever, "status-server")
        self._thread.start()
        if port not in {0, self.port}:
            log.warning("port %d is taken by another process: this one's metrics are on port %d", port, self.port)

    def close(self) -> None:
        """Answer no more requests, and call the process not ready."""
        _READY.set_function(lambda: 0.0)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _listen(host: str, port: int, app: Any, *, other_port: bool) -> WSGIServer:  # noqa: ANN401 - a WSGI application
    try:
        return make_server(host, port, app, server_class=ThreadingWSGIServer, handler_class=_Quiet)
    except OSError as error:
        if not other_port or error.errno != errno.EADDRINUSE:
            raise
    return make_server(host, 0, app, server_class=ThreadingWSGIServer, handler_class=_Quiet)


def _answer(start_response: Callable[..., Any], status: HTTPStatus, text: str) -> Iterable[bytes]:
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{text}\n".encode()]
