"""What a tracker writes into Redis: events and state in one step, by one tracker at a time, however often it is asked."""

import pytest

from ferstream.consumer.tracking.service.shard_state import Overtaken, ShardState
from ferstream.streams.errors import StoreFull, StoreUnavailable
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_event
from ferstream.streams.wire.keys import Keys
from tests.consumer.subscribe.test_events import event
from tests.support.losing_proxy import LosingProxy

KEYS = Keys()


def state(client, keep_events_s=60):
    return ShardState(client, KEYS, 0, keep_events_s=keep_events_s)


def published(client):
    return [decode_event(entry_id.decode(), fields).event_id for entry_id, fields in client.xrange(KEYS.events(0))]


def test_who_comes_next_finds_what_was_written(client):
    first = state(client)
    assert first.take() == ("", {})
    first.write([event(1), event(2)], {"door": b"one", "yard": b"two"}, "5-0")
    first.write([event(3)], {"door": b"three", "yard": b""}, "6-1")
    assert published(client) == ["door-1", "door-2", "door-3"]
    assert state(client).take() == ("6-1", {"door": b"three"})


def test_a_former_owner_is_refused_and_changes_nothing(client):
    stalled, successor = state(client), state(client)
    stalled.take()
    stalled.write([event(1)], {"door": b"one"}, "1-0")
    assert successor.take() == ("1-0", {"door": b"one"})
    with pytest.raises(Overtaken, match="shard 0"):
        stalled.write([event(2)], {"door": b"stale"}, "9-0")
    successor.write([event(3)], {"door": b"two"}, "2-0")
    with pytest.raises(Overtaken):
        stalled.write([event(2)], {"door": b"stale"}, "9-0")
    assert published(client) == ["door-1", "door-3"]
    assert state(client).take() == ("2-0", {"door": b"two"})


def test_of_two_that_take_a_shard_at_once_one_has_it(client):
    one, other = state(client), state(client)
    one.take()
    other._last, other._position = "", ""  # it looked before the first had written
    with pytest.raises(Overtaken):
        other.take()
    one.write([event(1)], {}, "1-0")


@pytest.mark.parametrize("fault", ["request", "reply"])
def test_a_step_whose_answer_was_lost_is_made_once(client, redis_server, tmp_path, fault):
    proxy = LosingProxy(redis_server.directory / "redis.sock", tmp_path / "proxy")
    writer = state(connect(proxy.url))
    writer.take()
    writer.write([event(1)], {"door": b"one"}, "1-0")
    proxy.lose(fault)
    with pytest.raises(StoreUnavailable):
        writer.write([event(2)], {"door": b"two"}, "2-0")
    writer.write([event(2)], {"door": b"two"}, "2-0")
    writer.write([event(3)], {"door": b"three"}, "3-0")
    proxy.close()
    assert published(client) == ["door-1", "door-2", "door-3"]
    assert state(client).take() == ("3-0", {"door": b"three"})


def test_taking_a_shard_may_be_repeated_after_a_lost_reply(client, redis_server, tmp_path):
    proxy = LosingProxy(redis_server.directory / "redis.sock", tmp_path / "proxy")
    writer = state(connect(proxy.url))
    writer.take()  # the script is known to the server from here on
    for passing in (0, 1, 2):
        following = state(connect(proxy.url))
        proxy.lose("reply", passing)
        with pytest.raises(StoreUnavailable):
            following.take()
        assert following.take() == ("", {})
    following.write([event(1)], {}, "1-0")
    proxy.close()
    assert published(client) == ["door-1"]


def test_a_full_redis_refuses_the_whole_step():
    with EmbeddedRedis() as server, connect(server.url) as client:
        writer = state(client)
        writer.take()
        client.config_set("maxmemory", 1)
        with pytest.raises(StoreFull):
            writer.write([event(1)], {"door": b"one"}, "1-0")
        client.config_set("maxmemory", 0)
        assert state(client).take() == ("", {})


def test_where_redis_lost_its_data_the_shard_is_taken_anew(client):
    writer = state(client)
    writer.take()
    writer.write([event(1)], {"door": b"one"}, "1-0")
    client.flushall()
    with pytest.raises(Overtaken, match="lost its data"):
        writer.write([event(2)], {"door": b"two"}, "2-0")
    assert published(client) == []
    assert state(client).take() == ("", {})


def test_events_stay_for_the_time_that_was_asked_for(client):
    seconds, _ = client.time()
    fields = {"e": b"old"}
    client.xadd(KEYS.events(0), fields, id=f"{(seconds - 100) * 1000}-0")
    client.xadd(KEYS.events(0), fields, id=f"{(seconds - 20) * 1000}-0")
    writer = state(client, keep_events_s=60)
    writer.take()
    writer.write([event(1)], {}, "1-0")
    assert client.xlen(KEYS.events(0)) == 2
