import threading
import time

import pytest

from ferstream.streams.errors import GroupGone, StoreUnavailable
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.support.fleet import wait_until


@pytest.fixture
def readers(redis_url):
    clients = []

    def make(consumer="w", shards=1, claim_after_s=60.0):
        clients.append(connect(redis_url))
        reader = FrameReader(clients[-1], Keys(shards=shards), group="workers", consumer=consumer, claim_after_s=claim_after_s)
        reader.join()
        return reader

    yield make
    for client in clients:
        client.close()


def add(client, count, shard=0):
    return [client.xadd(Keys().frames(shard), {"m": str(number)}).decode() for number in range(count)]


def ids(entries):
    return [entry.entry_id for entry in entries]


def test_new_entries_once_each(client, readers):
    reader, written = readers(), add(client, 5)
    assert ids(reader.read(3, 0.01)) == written[:3]
    assert ids(reader.read(3, 0.01)) == written[3:]
    assert reader.read(3, 0.01) == []
    assert reader.pending(client) == 5


def test_entries_that_were_there_before_the_group(client, readers):
    written = add(client, 2)
    assert ids(readers().read(9, 0.01)) == written


def test_a_full_redis_lets_a_worker_into_its_group(client, readers):
    """Its line was cut, or it was started again: only workers make room."""
    readers()
    written, limit = add(client, 1), client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", 1)
    try:
        assert ids(readers("new").read(9, 0.01)) == written
    finally:
        client.config_set("maxmemory", limit)


def test_own_pending_first_after_a_restart(client, readers):
    before = readers()
    written = add(client, 3)
    before.read(2, 0.01)
    after = readers()
    again = after.read(9, 0.01)
    assert ids(again) == written[:2]
    assert ids(after.read(9, 0.01)) == written[2:]


def test_a_frame_that_kills_its_worker_is_known_by_its_deliveries(client, readers):
    """A worker of a stable name that dies on a frame in each of its lives."""
    add(client, 1)
    assert [readers("node-7").read(9, 0.01)[0].deliveries for _ in range(4)] == [1, 2, 3, 4]


def test_a_lost_reply_is_no_delivery_more(client, readers):
    reader, _ = readers(), add(client, 1)
    for _ in range(4):
        (entry,) = reader.read(9, 0.01)
        assert entry.deliveries == 1
        reader.release([entry])
        reader.join()  # as after an outage


def grow_idle(client, consumer, entries, seconds=60):
    """As if the consumer had been silent for so long."""
    ids = [entry.entry_id for entry in entries]
    client.xclaim(Keys().frames(0), "workers", consumer, 0, ids, idle=seconds * 1000, justid=True)


def test_a_living_worker_keeps_what_it_holds_however_long_it_takes(client, readers):
    slow, _ = readers("slow", claim_after_s=5), add(client, 3)
    held = slow.read(9, 0.01)
    for number in range(4):
        grow_idle(client, "slow", held)
        assert slow.renew(client) == 0
        assert readers(f"w{number}", claim_after_s=5).read(9, 0.01) == []
    listed = client.xpending_range(Keys().frames(0), "workers", "-", "+", 9)
    assert [(each["consumer"], each["times_delivered"]) for each in listed] == [(b"slow", 1)] * 3


def test_nobody_claims_from_itself(client, readers):
    reader, _ = readers(claim_after_s=0.01), add(client, 1)
    held = reader.read(9, 0.01)
    for _ in range(5):
        grow_idle(client, "w", held)
        assert reader.read(9, 0.02) == []
    (pending,) = client.xpending_range(Keys().frames(0), "workers", "-", "+", 9)
    assert pending["times_delivered"] == 1


def test_what_a_hung_process_of_our_name_read_at_last_is_claimed(client, readers):
    """It was silent, we have its name now; it wakes, reads once more, and is killed before it finds out."""
    hung, heir = readers("node-7"), readers("node-7", claim_after_s=0.05)
    assert heir.read(9, 0.01) == []
    (written,) = add(client, 1)
    assert ids(hung.read(9, 0.01)) == [written]
    (claimed,) = wait_until(lambda: heir.read(9, 0.02))
    assert (claimed.entry_id, claimed.deliveries) == (written, 2)


def test_a_worker_that_was_silent_takes_nothing_back(client, readers):
    hung, other, _ = readers("hung"), readers("other", claim_after_s=0.05), add(client, 2)
    entries = hung.read(9, 0.01)
    hung.release(entries[:1])
    taken = []
    while len(taken) < 2:
        taken += other.read(9, 0.02)
    assert hung.renew(client) == 1
    assert {each["consumer"] for each in client.xpending_range(Keys().frames(0), "workers", "-", "+", 9)} == {b"other"}


def test_consumers_that_left_without_a_word_are_forgotten(client, readers, monkeypatch):
    gone, busy = readers("gone"), readers("busy")
    gone.read(1, 0.01)
    add(client, 1)
    busy.read(1, 0.01)
    monkeypatch.setattr("ferstream.streams.frames.reader.FORGET_AFTER_S", 0.01)
    time.sleep(0.05)
    readers("living", claim_after_s=60).read(1, 0.01)
    names = {each["name"] for each in client.xinfo_consumers(Keys().frames(0), "workers")}
    assert names == {b"busy", b"living"} or names == {b"busy"}


def test_own_pending_first_after_an_error_and_held_entries_not_twice(client, readers):
    reader, written = readers(), add(client, 1)
    held = reader.read(1, 0.01)
    killer = threading.Timer(0.2, lambda: client.client_kill_filter(_type="normal", skipme=True))
    killer.start()
    with pytest.raises(StoreUnavailable):
        reader.read(9, 2.0)
    killer.join()
    # A reply was lost: Redis delivered to us what we never saw. Another connection in our name does the same.
    written += add(client, 2)
    client.xreadgroup("workers", "w", {Keys().frames(0): ">"}, count=1)
    assert ids(reader.read(9, 0.01)) == written[1:2]
    assert ids(reader.read(9, 0.01)) == written[2:]
    reader.release(held)
    reader.join()
    assert ids(reader.read(9, 0.01)) == written[:1]


def test_more_own_pending_than_a_page_all_of_it_held(client, readers):
    reader, written = readers(), add(client, 200)
    assert len(reader.read(150, 0.01)) == 150
    reader.join()
    assert ids(reader.read(100, 0.01)) == written[150:]


def test_claims_from_a_dead_consumer(client, readers):
    dead, written = readers("dead"), add(client, 3)
    dead.read(2, 0.01)
    living = readers("living", claim_after_s=0.05)
    assert ids(living.read(9, 0.01)) == written[2:]
    found = []
    for _ in range(20):
        found += living.read(9, 0.02)
    assert ids(found) == written[:2]
    assert all(entry.claimed and entry.deliveries == 2 for entry in found)


def test_trimmed_pending_entries_are_acknowledged_and_counted(client, readers):
    before, _ = readers(), add(client, 3)
    before.read(9, 0.01)
    client.xtrim(Keys().frames(0), maxlen=1, approximate=False)
    after = readers()
    assert len(after.read(9, 0.01)) == 1
    assert after.trimmed == 2
    assert after.pending(client) == 1


def test_trimmed_entries_of_a_dead_consumer_are_counted_by_who_claims_them(client, readers):
    readers("dead").read(9, 0.01)
    dead, _ = readers("dead"), add(client, 2)
    dead.read(9, 0.01)
    client.xtrim(Keys().frames(0), maxlen=0, approximate=False)
    living = readers("living", claim_after_s=0.05)
    for _ in range(10):
        assert living.read(9, 0.02) == []
    assert living.trimmed == 2
    assert living.pending(client) == 0


def test_a_deleted_group_is_told_and_made_again(client, readers):
    reader, _ = readers(), add(client, 1)
    reader.release(reader.read(9, 0.01))
    client.xgroup_destroy(Keys().frames(0), "workers")
    with pytest.raises(GroupGone):
        reader.read(9, 0.01)
    reader.join()
    assert len(reader.read(9, 0.01)) == 1


def test_a_stream_deleted_under_a_blocking_read_is_told(client, readers):
    reader = readers()
    timer = threading.Timer(0.2, lambda: client.delete(Keys().frames(0)))
    timer.start()
    with pytest.raises(GroupGone):
        # Redis 6.2 tells at the next read, 7 at once
        assert reader.read(9, 0.5) or reader.read(9, 0.01)
    timer.join()
    reader.join()
    written = add(client, 1)
    assert ids(reader.read(9, 0.01)) == written


def test_count_is_bounded_over_shards(client, readers):
    for shard in range(4):
        add(client, 50, shard)
    reader = readers(shards=4)
    assert len(reader.read(20, 0.01)) == 20
    # One a shard at least, so that none waits for another
    assert len(reader.read(1, 0.01)) == 4


def test_leaving_throws_nothing_away(client, readers):
    busy, idle = readers("busy"), readers("idle")
    add(client, 1)
    busy.read(1, 0.01)
    idle.read(1, 0.01)
    busy.leave()
    idle.leave()
    consumers = client.xinfo_consumers(Keys().frames(0), "workers")
    assert [(one["name"], one["pending"]) for one in consumers] == [(b"busy", 1)]


def test_a_redis_that_is_gone():
    with EmbeddedRedis() as server:
        client = connect(server.url)
        reader = FrameReader(client, Keys(), group="workers", consumer="w", claim_after_s=60)
        reader.join()
    with pytest.raises(StoreUnavailable):
        reader.read(1, 0.01)
    client.close()
