"""The proxy that faults are made with does what it says."""

import socket

import pytest
import redis

from ferstream.streams.local.embedded_redis import EmbeddedRedis  # noqa: F401 - marks this file: it starts a server
from tests.faults.server import Server
from tests.support.fleet import wait_until
from tests.support.proxy import Proxy


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("proxy")) as server:
        yield server


@pytest.fixture
def proxy(server):
    with Proxy(("127.0.0.1", server.port)) as proxy:
        yield proxy


@pytest.fixture
def through(proxy):
    client = redis.Redis(port=proxy.port, socket_timeout=0.3, retry=None, protocol=2)
    yield client
    client.close()


def test_a_message_passes_whole(through):
    through.set("key", b"x" * 1_000_000)
    assert through.get("key") == b"x" * 1_000_000


def test_a_lost_reply_was_a_command_that_was_done(through, proxy, server):
    through.set("key", 0)
    proxy.cut_next("reply", keep=0.0)
    with pytest.raises(redis.ConnectionError):
        through.incr("key")
    assert (int(server.client.get("key")), proxy.cuts) == (1, 1)


def test_a_request_cut_in_two_is_not_done(through, proxy, server):
    server.client.delete("long")
    through.ping()
    proxy.cut_next("request", at_least=1000)
    with pytest.raises(redis.ConnectionError):
        through.set("long", b"x" * 10_000)
    assert server.client.get("long") is None
    assert through.ping(), "the next connection works"


def test_a_black_hole_keeps_connections_open_and_says_nothing(through, proxy):
    through.ping()
    proxy.black_hole()
    with pytest.raises(redis.TimeoutError):
        through.ping()
    proxy.heal()
    assert through.ping()


def test_a_half_closed_connection_still_takes_requests(proxy, server):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as line:
        line.sendall(b"SET half 0\r\n")
        assert line.recv(100) == b"+OK\r\n"
        proxy.half_close()
        assert line.recv(100) == b""
        line.sendall(b"SET half 1\r\n")
        wait_until(lambda: server.client.get("half") == b"1")


def test_it_is_slow_and_leads_elsewhere_when_told(through, proxy, server, tmp_path):
    proxy.delay_s = 0.2
    with pytest.raises(redis.TimeoutError):
        through.ping()
    proxy.heal()
    with Server(tmp_path) as other:
        other.client.set("who", "other")
        proxy.target = ("127.0.0.1", other.port)
        proxy.cut()
        assert through.get("who") == b"other"
