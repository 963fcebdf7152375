import time

import pytest

from ferstream.streams.errors import StoreRefused, StoreUnavailable
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.redis_client.preflight import check_server
from ferstream.streams.wire.keys import Keys


def test_a_right_server_has_no_warnings(client):
    report = check_server(client, Keys(), ServerClock())
    assert report.warnings == ()
    assert report.version[0].isdigit()


def test_the_first_process_fixes_the_shards(client):
    check_server(client, Keys(shards=4), ServerClock())
    assert client.get("fer:shards") == b"4"
    with pytest.raises(StoreRefused, match="--shards 4"):
        check_server(client, Keys(shards=2), ServerClock())


def test_eviction_that_deletes_streams_is_warned_of(client):
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        (warning,) = check_server(client, Keys(), ServerClock()).warnings
    finally:
        client.config_set("maxmemory-policy", "noeviction")
    assert "allkeys-lru" in warning


def test_a_server_that_is_too_old_is_refused(client, monkeypatch):
    monkeypatch.setattr("ferstream.streams.redis_client.preflight.OLDEST", (99, 0))
    with pytest.raises(StoreRefused, match="too old"):
        check_server(client, Keys(), ServerClock())


@pytest.mark.parametrize(("ahead_s", "word"), [(3600.0, "ahead of"), (-3600.0, "behind")])
def test_a_clock_an_hour_off_is_warned_of_and_does_not_matter(client, monkeypatch, ahead_s, word):
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + ahead_s)
    clock = ServerClock()
    (warning,) = check_server(client, Keys(), clock).warnings
    assert word in warning
    assert clock.now() == pytest.approx(right(), abs=0.5)


def test_the_clock_runs_on_between_looks(client):
    clock = ServerClock()
    assert abs(clock.set_from(client)) < 0.5
    before = clock.now()
    time.sleep(0.05)
    assert 0.04 < clock.now() - before < 1.0


def test_a_server_that_is_gone():
    with EmbeddedRedis() as server:
        client = connect(server.url)
    with pytest.raises(StoreUnavailable):
        check_server(client, Keys(), ServerClock())
    client.close()
