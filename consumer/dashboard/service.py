"""The process: uvicorn with our application, which listens, and ends in order."""

import errno
import logging
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

import uvicorn
from starlette.applications import Starlette

from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.consumer.dashboard.viewer_protocol import MOST_BYTES, ViewerProtocol
from ferstream.consumer.dashboard.visitor_protocol import VisitorProtocol, Visitors
from ferstream.streams.errors import FerstreamError, StoreUnavailable
from ferstream.streams.redis_client.acl_check import check_rights, dashboard_commands
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.service.shutdown import Shutdown
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Seconds for viewers to take leave.
DRAIN_S = 3
MOST_CONNECTIONS = 1000
#: Bytes that wait in the kernel for one viewer: what is newer waits with us, where the newest takes the place of the others.
UNSENT_BYTES = 128 * 1024


class Server(uvicorn.Server):
    """Ends when `shutdown` is requested, and lets those go who would listen for ever."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: signals are Shutdown's."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.end_listeners()
        await super().shutdown(sockets)


def check_redis(settings: DashboardSettings) -> None:
    """Raises StoreRefused where the password is wrong, or a right is missing. A Redis that is away is waited for later."""
    keys = Keys(settings.prefix)
    with closing(connect(settings.redis_url)) as client, suppress(StoreUnavailable):
        with translated():
            client.get(keys.shard_count)
        check_rights(client, dashboard_commands(keys, pictures=settings.pictures))


def listen(host: str, port: int, *, other_port: bool) -> socket.socket:
    """A socket that listens; on a free port where that is 0, or taken and nobody asked for it. Raises FerstreamError."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise FerstreamError(f"cannot listen on {host}: {error.strerror or error} (choose another --host)") from error
    for candidate in (port, 0):
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        try:
            found.bind((address[0], candidate, *address[2:]))
            found.listen(128)
        except OSError as error:
            found.close()
            if candidate and other_port and error.errno == errno.EADDRINUSE:
                log.warning("port %d is taken by another process: the page is on another one", port)
                continue
            raise FerstreamError(f"cannot listen on {host}:{port}: {error.strerror} (choose another --port)") from error
        return found
    raise AssertionError("port 0 is never taken")


def make_server(app: Starlette, settings: DashboardSettings) -> Server:
    """A server of the application, not started yet."""
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        http=partial(VisitorProtocol, Visitors(app.state.access.is_proxy)),  # type: ignore[arg-type]
        ws=ViewerProtocol,
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_S,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    return Server(config, app.state.hub)


def serve(server: Server, listening: socket.socket, shutdown: Shutdown) -> None:
    """Serve until shutdown is requested."""

    def end_when_requested() -> None:
        shutdown.requested.wait()
        server.should_exit = True

    vital_thread(end_when_requested, "shutdown").start()
    server.run(sockets=[listening])


def address_of(settings: DashboardSettings, listening: socket.socket) -> str:
    """What to type into a browser of this machine."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"{settings.scheme}://{shown}:{port}/"
