import time

import msgpack
import pytest

from ferstream.streams.errors import StoreFull
from ferstream.streams.frames.finish import FrameFinisher
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result

KEYS = Keys(shards=2)


@pytest.fixture
def reader(redis_url):
    client = connect(redis_url)
    reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=60)
    reader.join()
    yield reader
    client.close()


@pytest.fixture
def answers(client):
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


def test_publishing_ends_frames_of_all_shards_in_order(client, reader, answers):
    for shard in (0, 1, 0, 1):
        add(client, shard)
    entries = sorted(reader.read(9, 0.01), key=lambda entry: entry.entry_id)
    assert answers.publish([(entry, result(entry)) for entry in entries], time.time()) == [True] * 4
    assert reader.pending(client) == 0
    for shard in (0, 1):
        assert client.xlen(KEYS.frames(shard)) == 0
        published = [decode_result("x", fields).frame_id for _, fields in client.xrange(KEYS.results(shard))]
        assert published == [entry.entry_id for entry in entries if entry.shard == shard]


def test_a_repeat_and_a_withdrawn_frame_do_not_count(client, reader, answers):
    add(client)
    withdrawn = add(client)
    entries = reader.read(9, 0.01)
    client.xdel(KEYS.frames(0), withdrawn)
    both = [(entry, result(entry)) for entry in entries]
    assert answers.publish(both, time.time()) == [True, False]
    assert answers.publish(both[:1], time.time()) == [False]
    assert reader.pending(client) == 0
    assert client.xlen(KEYS.results(0)) == 3


def test_two_shards_may_give_two_frames_the_same_id(client, reader, answers):
    for shard in (0, 1):
        client.xadd(KEYS.frames(shard), {"m": b"header"}, id="5-0")
    entries = reader.read(9, 0.01)
    client.xdel(KEYS.frames(1), "5-0")
    both = [(entry, result(entry)) for entry in sorted(entries, key=lambda entry: entry.shard)]
    assert answers.publish(both, time.time()) == [True, False]


def test_expired_frames_leave_no_result(client, reader, answers):
    add(client)
    withdrawn = add(client, 1)
    entries = reader.read(9, 0.01)
    client.xdel(KEYS.frames(1), withdrawn)
    assert answers.expire(entries) == [True, False]
    assert answers.expire([]) == []
    assert reader.pending(client) == 0
    assert client.exists(KEYS.results(0)) == 0


@pytest.mark.parametrize(
    ("before", "ended"),
    [
        ("nothing ran", True),
        ("all of it ran", True),
        ("only the XACK ran", True),
        ("withdrawn", False),
        ("lost in a restart", False),
    ],
)
def test_expiring_again_after_a_lost_reply_counts_what_the_first_call_ended(client, reader, answers, before, ended):
    an_hour_ago = f"{int(time.time() - 3600) * 1000}-0"  # older than this Redis
    entry_id = client.xadd(KEYS.frames(0), {"m": b"header"}, id=an_hour_ago if "restart" in before else "*")
    entries = reader.read(9, 0.01)
    if before in ("all of it ran", "lost in a restart"):
        answers.expire(entries)
    elif before == "only the XACK ran":
        client.xack(KEYS.frames(0), "workers", entry_id)
    elif before == "withdrawn":
        client.xdel(KEYS.frames(0), entry_id)
    assert answers.expire(entries, again=True) == [ended]
    assert (client.xlen(KEYS.frames(0)), reader.pending(client)) == (0, 0)


@pytest.mark.parametrize("ran", [True, False])
def test_burying_again_after_a_lost_reply_writes_no_second_letter(client, reader, answers, ran):
    for _ in range(2):
        add(client)
    other, entry = reader.read(9, 0.01)
    now = time.time()
    answers.bury(other, "r", "d", now)
    if ran:
        answers.bury(entry, "r", "d", now)
    assert answers.bury(entry, "r", "d", now, again=True) is True
    letters = [msgpack.unpackb(fields[b"d"])["frame_id"] for _, fields in client.xrange(KEYS.dead(0))]
    assert letters == [other.entry_id, entry.entry_id]
    assert (client.xlen(KEYS.frames(0)), reader.pending(client)) == (0, 0)


def test_a_dead_letter_says_why_and_holds_no_picture(client, reader, answers):
    add(client)
    (entry,) = reader.read(9, 0.01)
    assert answers.bury(entry, "bad-picture", "truncated", 5.0) is True
    assert answers.bury(entry, "bad-picture", "truncated", 5.0) is False
    fields = client.xrange(KEYS.dead(0))[0][1]
    assert set(fields) == {b"d", b"m"}
    letter = msgpack.unpackb(fields[b"d"])
    assert (letter["reason"], letter["frame_id"], letter["picture_bytes"]) == ("bad-picture", entry.entry_id, 7)
    assert reader.pending(client) == 0
    assert client.xlen(KEYS.frames(0)) == 0


def test_a_dead_letter_holds_the_picture_when_asked(client, reader):
    add(client)
    (entry,) = reader.read(9, 0.01)
    FrameFinisher(client, KEYS, group="workers", keep_results_s=60, keep_dead_pictures=True).bury(entry, "r", "d", 5.0)
    assert client.xrange(KEYS.dead(0))[0][1][b"j"] == b"picture"


def test_old_results_are_trimmed(client, reader):
    answers = FrameFinisher(client, KEYS, group="workers", keep_results_s=10)
    for number in range(300):  # more than a node of the stream: trimming is approximate
        client.xadd(KEYS.results(0), {"r": b"old"}, id=f"{1000 + number}-0")
    add(client)
    answers.publish([(entry, result(entry)) for entry in reader.read(9, 0.01)], time.time())
    assert client.xlen(KEYS.results(0)) < 200


def test_a_full_redis_leaves_everything_as_it_was():
    with EmbeddedRedis(max_memory="3mb") as server:
        client = connect(server.url)
        reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=60)
        reader.join()
        add(client)
        entries = reader.read(9, 0.01)
        client.config_set("maxmemory", "1")
        answers = FrameFinisher(client, KEYS, group="workers", keep_results_s=60)
        with pytest.raises(StoreFull):
            answers.publish([(entry, result(entry)) for entry in entries], time.time())
        with pytest.raises(StoreFull):
            answers.bury(entries[0], "r", "d", 1.0)
        assert (client.xlen(KEYS.frames(0)), reader.pending(client)) == (1, 1)
        # Ending a frame frees memory: a full Redis lets it through.
        assert answers.expire(entries) == [True]
        client.close()
