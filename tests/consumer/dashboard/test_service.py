"""Where the page listens, and what it says at its start of an address or a Redis that it cannot use."""

import socket

import pytest

from ferstream.consumer.dashboard.service import address_of, check_redis, listen
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.streams.errors import FerstreamError, StoreRefused


@pytest.fixture
def taken():
    """A port that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_another_port_does_where_nobody_asked_for_that_one(taken, caplog):
    with listen("127.0.0.1", taken, other_port=True) as found:
        assert found.getsockname()[1] not in (0, taken)
    assert f"port {taken} is taken" in caplog.text


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(taken):
    with pytest.raises(FerstreamError, match=rf"cannot listen on 127.0.0.1:{taken}: .*another --port"):
        listen("127.0.0.1", taken, other_port=False)


@pytest.mark.parametrize("host", ["not.a.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_this_machine_s_is_an_error(host):
    with pytest.raises(FerstreamError, match="cannot listen on"):
        listen(host, 0, other_port=True)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
def test_its_address_is_one_that_a_browser_takes(host, shown):
    with listen(host, 0, other_port=False) as found:
        port = found.getsockname()[1]
        assert address_of(DashboardSettings(redis_url="redis://127.0.0.1:1"), found) == f"http://{shown}:{port}/"


def test_a_redis_that_is_away_is_waited_for():
    check_redis(DashboardSettings(redis_url="redis://127.0.0.1:1"))


def test_a_wrong_password_and_missing_rights_are_errors(client, redis_url):
    client.acl_setuser("page", enabled=True, passwords=["+secret"], keys=["*"], commands=["+get", "+xread"])
    try:
        for password, words in (("wrong", "refused the user"), ("secret", "give the user its role's rights")):
            url = redis_url.replace("unix://", f"unix://page:{password}@")
            with pytest.raises(StoreRefused, match=words) as error:
                check_redis(DashboardSettings(redis_url=url))
            assert password not in str(error.value).split("(")[0]
    finally:
        client.acl_deluser("page")
