"""How often one address may try."""

import asyncio
from contextlib import suppress

import pytest
from limits import RateLimitItemPerMinute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ferstream.consumer.dashboard.access import rate_limits
from ferstream.consumer.dashboard.access.addresses import network_of
from ferstream.consumer.dashboard.access.rate_limits import MOST_OPEN, RateLimits
from ferstream.consumer.dashboard.access.refusal import Refusal
from tests.consumer.dashboard.access.page import TOKEN, page, people, settings, token_file


def times(step, most=1000):
    """How often it may be done until it is refused, and the refusal."""

    async def count():
        for done in range(most):
            try:
                await step()
            except Refusal as refusal:
                return done, refusal
        raise AssertionError("it is never refused")

    return asyncio.run(count())


def test_logins_by_one_name_from_one_address(tmp_path, monkeypatch):
    monkeypatch.setattr(rate_limits, "_LOGINS", RateLimitItemPerMinute(2))
    with page(settings(users_file=people(tmp_path, ben="viewer"))) as browser:
        assert [browser.log_in("nobody", "wrong").status for _ in range(3)] == [401, 401, 429]
        refused = browser.log_in("nobody")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert "too often" in refused.error
        assert browser.log_in("ben").status == 200


def test_a_wrong_token_is_slowed_down_and_a_right_one_is_not(tmp_path):
    with page(settings(token_file=token_file(tmp_path))) as browser:
        statuses = [browser.get("/api/picture.jpg", Authorization="Bearer wrong").status for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        assert browser.get(f"/?token={TOKEN}x").status == 429
        assert browser.get("/api/picture.jpg", Authorization=f"Bearer {TOKEN}").status == 200


def test_uploads_are_counted_before_their_body_is_read(tmp_path):
    with page(settings(users_file=people(tmp_path, ben="viewer"))) as browser:
        browser.log_in("ben")
        assert [browser.post("/api/analyze", b"x").status for _ in range(31)] == [200] * 30 + [429]


def test_websockets_of_one_address(monkeypatch):
    monkeypatch.setattr(rate_limits, "MOST_OPEN", 2)
    with page() as browser:
        address = f"ws://127.0.0.1:{browser.port}/api/live"
        with connect(address) as one, connect(address) as other:
            assert (one.recv(10), other.recv(10)) == ("local", "local")
            with pytest.raises(InvalidStatus) as told, connect(address):
                pass
            assert told.value.response.status_code == 429
            assert told.value.response.headers["Retry-After"] == "10"
        for _ in range(100):  # the server sees them go a moment later
            with suppress(InvalidStatus), connect(address):
                return
        raise AssertionError("a place was never free again")


@pytest.mark.parametrize(("what", "most"), [("upload", 30), ("wrong_token", 10), ("websocket", 300)])
def test_each_has_its_own_measure(what, most):
    limits = RateLimits()
    done, refusal = times(lambda: getattr(limits, what)("10.0.0.1"))
    assert (done, refusal.status) == (most, 429)
    assert times(lambda: getattr(limits, what)("10.0.0.2"))[0] == most


def test_one_address_that_tries_many_names_and_one_name_from_many_addresses():
    limits, names, networks = RateLimits(), iter(range(1000)), iter(range(1000))
    assert times(lambda: limits.login("10.0.0.7", "ana"))[0] == 10
    assert times(lambda: limits.login("10.0.0.1", f"name {next(names)}"))[0] == 60
    assert times(lambda: limits.login(f"10.0.1.{next(networks)}", "ben"))[0] == 100


def test_a_flood_of_addresses_takes_no_memory_and_shares_one_measure(monkeypatch):
    monkeypatch.setattr(rate_limits, "MOST_KEYS", 50)
    limits, networks = RateLimits(), iter(range(100_000))
    done, _ = times(lambda: limits.upload(f"10.0.{next(networks)}"))
    assert done == 50 + 30
    assert len(limits._storage.storage) == 51


def test_one_sender_is_one_network():
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    assert network_of("") == network_of("testclient") == "unknown"
    assert network_of("::1") == "::1"


def test_an_office_fits():
    assert MOST_OPEN > 50


def test_behind_a_proxy_each_visitor_is_counted(tmp_path):
    wanted = settings(token_file=token_file(tmp_path), trusted_proxies=("127.0.0.1",))
    with page(wanted) as browser:
        for visitor in range(2):
            forwarded = {"X_Forwarded_For": f"6.6.6.6, 10.0.0.{visitor}", "Authorization": "Bearer wrong"}
            assert [browser.get("/api/config", **forwarded).status for _ in range(11)] == [401] * 10 + [429]
