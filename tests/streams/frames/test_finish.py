import time

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferstream.streams.frames.account import read_account
from ferstream.streams.frames.age import LOOKED_AT, OverdueFrames
from ferstream.streams.frames.finish import FrameFinisher, answered, dead, expired, withdrawn
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_result, encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader, Result
from tests.support.fleet import server_now

KEYS = Keys(shards=2)


@pytest.fixture
def reader(redis_url):
    client = connect(redis_url)
    reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=60)
    reader.join()
    yield reader
    client.close()


@pytest.fixture
def finisher(client):
    return FrameFinisher(client, KEYS, group="workers", keep_results_s=60)


def add(client, shard=0):
    return client.xadd(KEYS.frames(shard), {"m": b"header", "j": b"picture"}).decode()


def result(entry):
    return Result(
        camera_id="door",
        sequence=1,
        captured_at=1.0,
        frame_id=entry.entry_id,
        width=8,
        height=8,
        faces=(),
        models={},
        seconds={},
        worker="w",
    )


def end(finisher, *endings, shard=0):
    return finisher.end(shard, endings, time.time())


def test_results_come_out_in_order_and_their_frames_are_gone(client, reader, finisher):
    for shard in (0, 1, 0, 1):
        add(client, shard)
    entries = reader.read(9, 0.01)
    for shard in (0, 1):
        mine = [entry for entry in entries if entry.shard == shard]
        assert end(finisher, *(answered(entry, result(entry)) for entry in mine), shard=shard) == [True] * 2
        published = [decode_result("x", fields).frame_id for _, fields in client.xrange(KEYS.results(shard))]
        assert published == [entry.entry_id for entry in mine]
        assert client.xlen(KEYS.frames(shard)) == 0
    assert reader.pending(client) == 0


def test_a_frame_ends_once_whoever_asks_and_however_often(client, reader, finisher):
    add(client)
    (entry,) = reader.read(9, 0.01)
    ways = [
        answered(entry, result(entry)),
        expired(entry),
        dead(entry, "r", "d", 1.0),
        withdrawn(entry.entry_id, "dropped.budget"),
    ]
    assert [end(finisher, way) for way in (*ways, *ways)] == [[True], *[[False]] * 7]
    account = read_account(client, KEYS)
    assert (account.published, account.expired, account.dead, account.dropped) == (1, 0, {}, {})
    assert (client.xlen(KEYS.results(0)), client.xlen(KEYS.dead(0)), reader.pending(client)) == (1, 0, 0)


@given(ways=st.lists(st.lists(st.sampled_from(["answered", "expired", "dead", "withdrawn"]), min_size=1, max_size=4), max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_account_balances_over_any_ends_in_any_order(client, reader, finisher, ways):
    client.delete(KEYS.frames(0), KEYS.account(0), KEYS.results(0), KEYS.dead(0))
    reader.join()
    for _ in ways:
        add(client)
    entries = reader.read(99, 0.01)
    how = {
        "answered": lambda entry: answered(entry, result(entry)),
        "expired": expired,
        "dead": lambda entry: dead(entry, "reason", "detail", 1.0),
        "withdrawn": lambda entry: withdrawn(entry.entry_id, "dropped.budget"),
    }
    endings = [how[way](entry) for entry, several in zip(entries, ways, strict=True) for way in several]
    assert sum(end(finisher, *endings)) == len(ways)
    reader.release(entries)
    account = read_account(client, KEYS)
    assert (account.balance + withdrawals(account), account.in_flight, reader.pending(client)) == (0, 0, 0)
    assert client.xlen(KEYS.results(0)) == account.published
    assert client.xlen(KEYS.dead(0)) == sum(account.dead.values())


def withdrawals(account):
    """Withdrawn in a test without a writer, which would have accounted for their capture."""
    return sum(account.dropped.values())


def test_more_frames_than_one_step_takes_end_too(client, finisher):
    """A camera of small pictures that nobody read: after an hour all of them are overdue at once."""
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(9000):
            pipeline.xadd(KEYS.frames(0), {"m": b"header"})
        ids = pipeline.execute()
    endings = [withdrawn(entry_id, "dropped.trimmed") for entry_id in ids]
    assert end(finisher, *endings, *endings[:1]) == [True] * 9000 + [False]
    assert (client.xlen(KEYS.frames(0)), read_account(client, KEYS).dropped) == (0, {"trimmed": 9000})


@pytest.mark.parametrize(("overdue_s", "ended"), [(2.0, 0), (4.0, 1)], ids=["its producer's", "an orphan"])
def test_overdue_frames_are_left_to_their_producer_for_a_while(client, overdue_s, ended):
    """It withdraws them after a second; what another camera's writer ended would be missing in its counters."""
    deadline = server_now(client) - overdue_s
    header = FrameHeader(
        camera_id="door", sequence=1, captured_at=deadline - 5, deadline=deadline, width=8, height=8, producer="elsewhere:1"
    )
    client.xadd(KEYS.frames(0), encode_frame(Frame(header, b"")), id="1-1")
    assert OverdueFrames(client, KEYS, 0, "workers").end() == (ended, 0)


def test_expired_frames_leave_no_result(client, reader, finisher):
    add(client)
    (entry,) = reader.read(9, 0.01)
    assert end(finisher, expired(entry)) == [True]
    assert end(finisher) == []
    assert client.exists(KEYS.results(0)) == 0


def test_a_frame_that_nobody_accounted_for_counts_as_captured_when_it_ends(client, reader, finisher):
    """An older producer's, or what is no frame at all."""
    add(client)
    (entry,) = reader.read(9, 0.01)
    end(finisher, dead(entry, "not-msgpack", "d", 1.0))
    account = read_account(client, KEYS)
    assert (account.captured, account.dead, account.balance) == (1, {"not-msgpack": 1}, 0)


@pytest.mark.parametrize("producer", [None, "elsewhere:1"])
def test_the_account_balances_where_a_foreign_producer_keeps_none(client, reader, finisher, producer):
    """Its frames name no producer. One that does has accounted for the capture itself."""
    for entry_id in ("1-1", "2-1"):
        header = FrameHeader(camera_id="door", sequence=1, captured_at=1.0, deadline=2.0, width=8, height=8, producer=producer)
        client.xadd(KEYS.frames(0), encode_frame(Frame(header, b"")), id=entry_id)
    (entry,) = reader.read(1, 0.01)
    end(finisher, answered(entry, result(entry)))
    OverdueFrames(client, KEYS, 0, "workers").end()
    account = read_account(client, KEYS)
    assert (account.published, account.expired) == (1, 1)
    assert account.captured == (0 if producer else 2)


def test_many_overdue_frames_are_ended_one_look_after_the_other(client):
    header = FrameHeader(camera_id="door", sequence=1, captured_at=1.0, deadline=2.0, width=8, height=8, producer="killed:1")
    for number in range(LOOKED_AT + 3):
        client.xadd(KEYS.frames(0), encode_frame(Frame(header, b"")), id=f"{number + 1}-1")
    assert [OverdueFrames(client, KEYS, 0, "workers").end()[0] for _ in range(3)] == [LOOKED_AT, 3, 0]


def test_of_many_that_look_for_overdue_frames_one_does_each_second(client):
    OverdueFrames(client, KEYS, 0, "workers").end()
    header = FrameHeader(camera_id="door", sequence=1, captured_at=1.0, deadline=2.0, width=8, height=8, producer="killed:1")
    client.xadd(KEYS.frames(0), encode_frame(Frame(header, b"")), id="1-1")
    assert OverdueFrames(client, KEYS, 0, "workers").end() == (0, 0)


def test_a_dead_letter_says_why_and_holds_no_picture(client, reader, finisher):
    add(client)
    (entry,) = reader.read(9, 0.01)
    assert end(finisher, dead(entry, "bad-picture", "truncated", 5.0)) == [True]
    fields = client.xrange(KEYS.dead(0))[0][1]
    assert set(fields) == {b"d", b"m"}
    letter = msgpack.unpackb(fields[b"d"])
    assert (letter["reason"], letter["frame_id"], letter["picture_bytes"]) == ("bad-picture", entry.entry_id, 7)


def test_a_dead_letter_holds_the_picture_when_asked(client, reader, finisher):
    add(client)
    (entry,) = reader.read(9, 0.01)
    end(finisher, dead(entry, "r", "d", 5.0, keep_picture=True))
    assert client.xrange(KEYS.dead(0))[0][1][b"j"] == b"picture"


def test_a_dead_letter_keeps_no_header_of_any_size(client, reader, finisher):
    client.xadd(KEYS.frames(0), {"m": bytes(20_000_000)})
    (entry,) = reader.read(9, 0.01)
    end(finisher, dead(entry, "too-large", "d", 5.0))
    assert client.memory_usage(KEYS.dead(0), samples=0) < 100_000


def test_old_results_are_trimmed(client, reader):
    for number in range(300):  # more than a node of the stream: trimming is approximate
        client.xadd(KEYS.results(0), {"r": b"old"}, id=f"{1000 + number}-0")
    add(client)
    (entry,) = reader.read(9, 0.01)
    end(FrameFinisher(client, KEYS, group="workers", keep_results_s=10), answered(entry, result(entry)))
    assert client.xlen(KEYS.results(0)) < 200


@pytest.mark.parametrize("way", ["answered", "expired", "dead"])
def test_a_full_redis_lets_every_end_through(way):
    """Each takes a picture out of its memory."""
    with EmbeddedRedis(max_memory="3mb") as server:
        client = connect(server.url)
        reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=60)
        reader.join()
        add(client)
        (entry,) = reader.read(9, 0.01)
        client.config_set("maxmemory", "1")
        ending = {"answered": answered(entry, result(entry)), "expired": expired(entry), "dead": dead(entry, "r", "d", 1.0)}[way]
        assert end(FrameFinisher(client, KEYS, group="workers", keep_results_s=60), ending) == [True]
        assert read_account(client, KEYS).balance == 0
        assert client.xlen(KEYS.results(0)) + client.xlen(KEYS.dead(0)) == (way != "expired")
        client.close()
