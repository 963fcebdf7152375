import time
from collections import Counter

import pytest

from ferstream.streams.errors import StoreFull, StoreUnavailable
from ferstream.streams.frames.account import read_account
from ferstream.streams.frames.finish import FrameFinisher, answered
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.frames.writer import FrameWriter, UnaccountedDrops
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_header
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader, Result
from tests.support.fleet import wait_until
from tests.support.losing_proxy import LosingProxy

KEYS = Keys()


class Camera:
    """A writer with its count of drops and its sequence."""

    def __init__(self, client, camera_id="door", freshness_s=60.0, budget_bytes=10_000):
        self.dropped = Counter()
        self.unaccounted = UnaccountedDrops()
        self.clock = ServerClock()
        self.clock.set_from(client)
        self.camera_id, self.freshness_s = camera_id, freshness_s
        self.writer = FrameWriter(
            client,
            KEYS,
            self.clock,
            camera_id,
            group="workers",
            budget_bytes=budget_bytes,
            drops=self.unaccounted,
            on_dropped=lambda reason, frames: self.dropped.update({reason: frames}),
        )
        self.sequence = 0

    def write(self, size=1000, age_s=0.0):
        self.sequence += 1
        captured_at = self.clock.now() - age_s
        header = FrameHeader(
            camera_id=self.camera_id,
            sequence=self.sequence,
            captured_at=captured_at,
            deadline=captured_at + self.freshness_s,
            width=8,
            height=8,
            producer="test:1",
        )
        self.writer.write(Frame(header, bytes(size)))


class Worker:
    """A reader, and the end of what it read."""

    def __init__(self, client):
        self.reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=60)
        self.reader.join()
        self.finisher = FrameFinisher(client, KEYS, group="workers", keep_results_s=60)

    def publish(self, entries):
        endings = []
        for entry in entries:
            header = decode_header(entry.entry_id, entry.fields)
            result = Result(
                camera_id=header.camera_id,
                sequence=header.sequence,
                captured_at=header.captured_at,
                frame_id=entry.entry_id,
                width=8,
                height=8,
                faces=(),
                models={},
                seconds={},
                worker="w",
            )
            endings.append(answered(entry, result))
        self.reader.release(entries)
        return self.finisher.end(0, endings, header.captured_at)


@pytest.fixture
def client(client):
    """An empty Redis, whose account balances after each test."""
    yield client
    assert read_account(client, KEYS).balance == 0


def stored(client):
    return [decode_header(str(i), fields).sequence for i, fields in client.xrange(KEYS.frames(0))]


def test_the_byte_budget_withdraws_the_oldest_first_and_counts(client):
    camera = Camera(client, budget_bytes=3000)
    for _ in range(5):
        camera.write(1000)
    assert stored(client) == [3, 4, 5]
    assert camera.dropped == {"budget": 2}
    assert camera.writer.waiting_bytes == 3000


def test_the_byte_budget_spares_what_a_worker_has_read(client):
    camera, worker = Camera(client, budget_bytes=3000), Worker(client)
    camera.write()
    camera.write()
    taken = worker.reader.read(1, 0.01)
    camera.write()
    camera.write()
    assert stored(client) == [1, 3, 4]
    assert camera.dropped == {"budget": 1}
    assert worker.publish(taken) == [True]


def test_when_only_read_frames_are_left_the_oldest_goes_and_is_counted_once(client):
    camera, worker = Camera(client, budget_bytes=2000), Worker(client)
    camera.write()
    camera.write()
    taken = worker.reader.read(2, 0.01)
    camera.write()
    assert camera.dropped == {"budget": 1}
    assert worker.publish(taken) == [False, True]


def test_answered_frames_make_room_and_count_as_nothing(client):
    camera, worker = Camera(client, budget_bytes=3000), Worker(client)
    for _ in range(3):
        camera.write()
    assert worker.publish(worker.reader.read(3, 0.01)) == [True] * 3
    camera.write(3000)
    assert (camera.dropped, stored(client), camera.writer.waiting()) == ({}, [4], 1)
    camera.writer.maintain()
    assert camera.writer.waiting() == 1


def test_a_beat_withdraws_what_no_worker_answered_in_time(client):
    camera = Camera(client, freshness_s=2.0)
    camera.write(age_s=3.5)
    camera.write()
    camera.writer.maintain()
    assert camera.dropped == {"trimmed": 1}
    assert stored(client) == [2]


def test_a_beat_forgets_what_was_answered(client):
    camera, worker = Camera(client), Worker(client)
    for _ in range(4):
        camera.write()
    worker.publish(worker.reader.read(2, 0.01)[:2])
    camera.writer.maintain()
    assert camera.writer.waiting() == 2


def test_a_camera_ends_no_fresh_frame_of_another_however_long_that_one_lives(client):
    patient, hasty = Camera(client, "patient", freshness_s=3600.0), Camera(client, "hasty", freshness_s=0.5)
    patient.write()
    hasty.write(age_s=30)
    hasty.writer.maintain()
    assert (stored(client), hasty.dropped) == ([1], {"trimmed": 1})


def test_frames_of_a_producer_that_hangs_are_ended_by_another_and_it_finds_that_out(client):
    """However long frames of a third one live, which was a file and has ended."""
    hung, other, file = Camera(client, "hung", freshness_s=0.5), Camera(client, "other"), Camera(client, "file", 3600.0)
    file.write()
    file.writer.maintain()
    for _ in range(10):
        hung.write(age_s=30)
    other.write()

    def ended():  # what was written within a second is left to its writer
        other.writer.maintain()
        return client.xlen(KEYS.frames(0)) == 2

    wait_until(ended)
    account = read_account(client, KEYS)
    assert (account.captured, account.expired, account.in_flight) == (12, 10, 2)
    hung.writer.maintain()
    assert (hung.dropped, hung.writer.waiting(), read_account(client, KEYS)) == ({}, 0, account)


def test_drops_reach_the_account_with_the_next_frame_or_the_next_look(client):
    camera = Camera(client)
    camera.unaccounted.add("rate", 3)
    camera.write()
    assert read_account(client, KEYS).dropped == {"rate": 3}
    camera.unaccounted.add("busy", 2)
    camera.writer.maintain()
    account = read_account(client, KEYS)
    assert (account.captured, account.dropped, account.in_flight) == (6, {"busy": 2, "rate": 3}, 1)
    camera.writer.maintain()
    assert read_account(client, KEYS) == account


def test_a_camera_that_leaves_takes_back_what_nobody_has_answered(client):
    camera, worker = Camera(client), Worker(client)
    for _ in range(3):
        camera.write()
    taken = worker.reader.read(2, 0.01)
    assert worker.publish(taken[:1]) == [True]
    camera.unaccounted.add("rate", 2)
    camera.writer.recall("stopped")
    camera.writer.retire()
    assert worker.publish(taken[1:]) == [False]
    assert (camera.dropped, stored(client), client.hlen(KEYS.last(0))) == ({"stopped": 2}, [], 0)
    account = read_account(client, KEYS)
    assert (account.captured, account.published, account.dropped) == (5, 1, {"rate": 2, "stopped": 2})


def cpu_of_making_room(client, waiting):
    """Seconds that a frame takes where all of these are unread and have to make room for it; the least of some."""
    client.flushall()
    camera = Camera(client, budget_bytes=waiting)
    for _ in range(waiting):
        camera.write(1)
    seconds = []
    for _ in range(5):
        began = time.process_time()
        camera.write(1)
        seconds.append(time.process_time() - began)
    return min(seconds)


def test_making_room_takes_time_in_proportion_to_what_waits(client):
    """Eight times the frames: 64 times as long where each is compared with each."""
    assert cpu_of_making_room(client, 2400) < 24 * cpu_of_making_room(client, 300)


@pytest.mark.parametrize("waiting", [50, 1200])
def test_making_room_asks_redis_as_often_however_much_waits(client, waiting):
    """Nobody reads: every frame has to withdraw another one."""
    camera = Camera(client, budget_bytes=1000 * waiting)
    for _ in range(waiting):
        camera.write(1000)
    before = client.info("stats")["total_commands_processed"]
    for _ in range(20):
        camera.write(1000)
    # XINFO, the script with its XDEL, HINCRBY and XACK, MULTI, XADD, HSET, HINCRBY, EXEC; INFO itself
    assert client.info("stats")["total_commands_processed"] - before <= 20 * 11 + 1
    assert camera.dropped == {"budget": 20}


def test_a_full_redis_is_raised_and_nothing_was_written():
    with EmbeddedRedis(max_memory="3mb") as server:
        client = connect(server.url)
        camera = Camera(client, budget_bytes=10**9)
        camera.write()
        camera.unaccounted.add("rate", 1)
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreFull):
            camera.write()
        assert stored(client) == [1]
        assert not camera.writer.uncertain
        client.config_set("maxmemory", "3mb")
        camera.write()
        account = read_account(client, KEYS)
        assert (account.captured, account.dropped, account.balance) == (3, {"rate": 1}, 0)
        client.close()


def test_a_redis_that_lost_its_data_is_counted(tmp_path):
    with EmbeddedRedis() as first, EmbeddedRedis() as second:
        # The same address, another run without the data: what a restart looks like.
        address = tmp_path / "redis.sock"
        address.symlink_to(first.directory / "redis.sock")
        client = connect(f"unix://{address}")
        camera = Camera(client)
        camera.writer.maintain()
        for _ in range(3):
            camera.write()
        address.unlink()
        address.symlink_to(second.directory / "redis.sock")
        client.connection_pool.disconnect()
        camera.writer.maintain()
        assert camera.dropped == {"redis_lost": 3}
        assert camera.writer.waiting() == 0
        camera.writer.maintain()
        assert camera.dropped == {"redis_lost": 3}
        account = read_account(client, KEYS)
        assert (account.captured, account.dropped, account.balance) == (3, {"redis_lost": 3}, 0)
        client.close()


def test_a_redis_that_was_emptied_between_two_frames_is_noticed_with_the_next(client):
    camera = Camera(client)
    camera.write()
    camera.write()
    client.flushall()
    camera.write()
    assert (camera.dropped, camera.writer.waiting(), stored(client)) == ({"redis_lost": 2}, 1, [3])
    camera.writer.maintain()
    account = read_account(client, KEYS)
    assert (account.captured, account.dropped, account.in_flight, account.balance) == (3, {"redis_lost": 2}, 1, 0)


def test_of_a_redis_that_lost_its_last_second_only_that_is_counted(client):
    camera = Camera(client)
    camera.write()
    old = {key: client.dump(key) for key in client.scan_iter()}
    for _ in range(2):
        camera.write()
    client.flushall()
    for key, value in old.items():  # as after a failover to a replica that was behind
        client.restore(key, 0, value)
    camera.writer.maintain()
    assert (camera.dropped, camera.writer.waiting(), stored(client)) == ({"redis_lost": 2}, 1, [1])


def test_a_writer_that_retires_leaves_the_step_of_whoever_has_its_camera_now(client):
    gone, heir = Camera(client), Camera(client)
    gone.write()
    heir.write()
    gone.writer.retire()
    heir.writer.maintain()
    assert (heir.dropped, heir.writer.waiting()) == ({}, 1)
    heir.writer.retire()
    assert client.hlen(KEYS.last(0)) == 0


@pytest.fixture
def proxy(redis_server, tmp_path, client):
    proxy = LosingProxy(redis_server.directory / "redis.sock", tmp_path / "proxy.sock")
    yield proxy
    proxy.close()


@pytest.fixture
def camera(proxy):
    client = connect(proxy.url)
    yield Camera(client)
    client.close()


def test_after_a_lost_reply_the_frame_is_there(proxy, camera, client):
    camera.write()
    camera.unaccounted.add("rate", 1)
    proxy.lose("reply")
    with pytest.raises(StoreUnavailable):
        camera.write()
    assert stored(client) == [1, 2]
    assert camera.writer.uncertain
    assert camera.writer.settle() is True
    camera.writer.maintain()
    account = read_account(client, KEYS)
    assert (account.captured, account.dropped, account.in_flight) == (3, {"rate": 1}, 2)


def test_after_a_lost_reply_the_frame_was_answered_meanwhile(proxy, camera, client):
    worker = Worker(client)
    proxy.lose("reply")
    with pytest.raises(StoreUnavailable):
        camera.write()
    assert worker.publish(worker.reader.read(5, 0.01)) == [True]
    assert camera.writer.settle() is True
    assert camera.writer.settle() is None


def test_after_a_lost_command_the_frame_is_not_there_and_its_drops_are_told_later(proxy, camera, client):
    camera.unaccounted.add("rate", 1)
    proxy.lose("request")
    with pytest.raises(StoreUnavailable):
        camera.write()
    assert camera.writer.settle() is False
    assert (camera.writer.waiting(), stored(client)) == (0, [])
    camera.writer.maintain()
    assert read_account(client, KEYS).dropped == {"rate": 1}


@pytest.mark.parametrize("then", ["request", "reply"])
def test_after_a_lost_command_it_is_noticed_at_once_what_redis_forgot(proxy, camera, client, then):
    """A Redis that came back with what it had: the next frame tells that too, but its reply may be lost as well."""
    camera.write()
    kept = {key: client.dump(key) for key in client.scan_iter()}
    camera.write()
    camera.write()
    client.flushall()
    for key, value in kept.items():
        client.restore(key, 0, value)
    for lost in ("request", then):
        proxy.lose(lost)
        with pytest.raises(StoreUnavailable):
            camera.write()
        assert camera.writer.settle() is (lost == "reply")
    camera.writer.maintain()
    assert camera.dropped == {"redis_lost": 2}
    assert read_account(client, KEYS).balance == 0


def test_finding_out_reads_one_field_however_full_redis_is(proxy, camera, client):
    proxy.lose("reply")
    with pytest.raises(StoreUnavailable):
        camera.write()
    other = Camera(client, "other", budget_bytes=10**8)
    for _ in range(300):
        other.write(50_000)
    before = client.info("stats")["total_net_output_bytes"]
    assert camera.writer.settle() is True
    assert client.info("stats")["total_net_output_bytes"] - before < 20_000  # INFO's own reply
