"""Visitors who ask slowly, or do not read, or are too many, at a real server: the others are served all the same."""

import socket
import time
from contextlib import ExitStack, suppress
from functools import partial

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from ferstream.consumer.dashboard import visitor_protocol
from ferstream.consumer.dashboard.api.answer import nobody_reads
from ferstream.consumer.dashboard.viewer_protocol import ViewerProtocol
from ferstream.consumer.dashboard.visitor_protocol import VisitorProtocol, Visitors
from tests.support.patience import PROCESS_S
from tests.support.web_server import serving

ASK = b"GET / HTTP/1.1\r\nHost: here\r\n"


@pytest.fixture
def port(monkeypatch):
    """Of a server whose patience is short. Proxies are at ::1."""
    monkeypatch.setattr(visitor_protocol, "HEAD_S", 0.4)
    monkeypatch.setattr(visitor_protocol, "BODY_S", 0.8)
    monkeypatch.setattr(visitor_protocol, "LOOK_S", 0.1)
    monkeypatch.setattr(visitor_protocol, "MOST_OF_ADDRESS", 5)

    async def home(_request):
        return PlainTextResponse("here")

    async def large(_request):
        return Response(b"x" * 50_000_000)

    async def take(request):
        return PlainTextResponse(str(len(await request.body())))

    async def open_for_ever(websocket):
        await websocket.accept()
        await websocket.receive()

    routes = [Route("/", home), Route("/large", large), Route("/take", take, methods=["POST"])]
    routes += [WebSocketRoute("/live", open_for_ever)]
    app = Starlette(routes=routes, exception_handlers={ClientDisconnect: nobody_reads})
    with serving(app, http=partial(VisitorProtocol, Visitors(lambda address: False)), ws=ViewerProtocol) as found:
        yield found


def connected(port):
    return socket.create_connection(("127.0.0.1", port), PROCESS_S)


def served(port):
    """Whether somebody is who asks as people do."""
    try:
        with connected(port) as one:
            one.sendall(ASK + b"Connection: close\r\n\r\n")
            return b"here" in b"".join(iter(lambda: one.recv(1000), b""))
    except OSError:
        return False


def wait_cut(one):
    """Raises TimeoutError where it goes on."""
    with suppress(ConnectionResetError):
        while one.recv(1 << 20):
            pass


@pytest.mark.parametrize("begun", [b"", ASK, b"POST /take HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf"])
def test_who_does_not_go_on_asking_is_cut(port, caplog, begun):
    with connected(port) as slow:
        slow.sendall(begun)
        assert served(port)
        wait_cut(slow)
    assert not caplog.records


def test_who_does_not_read_is_cut(port):
    with connected(port) as deaf:
        deaf.sendall(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n")
        assert deaf.recv(1)
        until = time.monotonic() + PROCESS_S
        with suppress(OSError):
            while time.monotonic() < until:
                deaf.sendall(ASK)
                time.sleep(0.05)
        assert time.monotonic() < until


PING, PIECE = b"\x89\xfd\0\0\0\0" + b"x" * 125, b"\0\x80\0\0\0\0"


@pytest.mark.parametrize(("begun", "more"), [(b"", PING), (b"\x01\x80\0\0\0\0", PIECE)], ids=["pings", "empty pieces"])
def test_who_has_the_server_keep_more_and_more_is_cut(port, begun, more):
    handshake = (
        b"GET /live HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n"
    )
    with connected(port) as deaf:
        deaf.sendall(handshake)
        assert b" 101 " in deaf.recv(1000)
        with suppress(ConnectionError):
            deaf.sendall(begun + more * 500_000)
        wait_cut(deaf)


def test_one_address_has_no_more_than_its_share_and_gives_it_back(port):
    with ExitStack() as held:
        many = [held.enter_context(connected(port)) for _ in range(5)]
        for one in many:
            one.sendall(ASK)
        assert not served(port)
    while not served(port):
        pass


def test_a_proxy_is_many_people():
    visitors = Visitors(lambda address: address == "::1")
    assert all(visitors.come("::1") for _ in range(1000))
    assert [visitors.come("192.0.2.1") for _ in range(201)].count(True) == 200
