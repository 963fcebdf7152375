import socket
import threading
from collections import Counter

import pytest

from ferstream.streams.errors import StoreFull, StoreUnavailable
from ferstream.streams.frames.finish import FrameFinisher
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.frames.writer import FrameWriter
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_header
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader, Result

KEYS = Keys()


class Camera:
    """A writer with its count of drops and its sequence."""

    def __init__(self, client, camera_id="door", freshness_s=60.0, budget_bytes=10_000):
        self.drops = Counter()
        self.clock = ServerClock()
        self.clock.set_from(client)
        self.camera_id, self.freshness_s = camera_id, freshness_s
        self.writer = FrameWriter(
            client,
            KEYS,
            self.clock,
            camera_id,
            group="workers",
            freshness_s=freshness_s,
            budget_bytes=budget_bytes,
            on_drop=lambda reason, frames: self.drops.update({reason: frames}),
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
        )
        self.writer.write(Frame(header, bytes(size)))


class Worker:
    """A reader and its answers."""

    def __init__(self, client):
        self.reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=60)
        self.reader.join()
        self.answers = FrameFinisher(client, KEYS, group="workers", keep_results_s=60)

    def publish(self, entries):
        answered = []
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
            answered.append((entry, result))
        self.reader.release(entries)
        return self.answers.publish(answered, header.captured_at)


def stored(client):
    return [decode_header(str(i), fields).sequence for i, fields in client.xrange(KEYS.frames(0))]


def test_the_byte_budget_withdraws_the_oldest_first_and_counts(client):
    camera = Camera(client, budget_bytes=3000)
    for _ in range(5):
        camera.write(1000)
    assert stored(client) == [3, 4, 5]
    assert camera.drops == {"budget": 2}
    assert camera.writer.waiting_bytes == 3000


def test_the_byte_budget_spares_what_a_worker_has_read(client):
    camera, worker = Camera(client, budget_bytes=3000), Worker(client)
    camera.write()
    camera.write()
    taken = worker.reader.read(1, 0.01)
    camera.write()
    camera.write()
    assert stored(client) == [1, 3, 4]
    assert camera.drops == {"budget": 1}
    assert worker.publish(taken) == [True]


def test_when_only_read_frames_are_left_the_oldest_goes_and_is_counted_once(client):
    camera, worker = Camera(client, budget_bytes=2000), Worker(client)
    camera.write()
    camera.write()
    taken = worker.reader.read(2, 0.01)
    camera.write()
    assert camera.drops == {"budget": 1}
    assert worker.publish(taken) == [False, True]


def test_answered_frames_make_room_and_count_as_nothing(client):
    camera, worker = Camera(client, budget_bytes=3000), Worker(client)
    for _ in range(3):
        camera.write()
    assert worker.publish(worker.reader.read(3, 0.01)) == [True] * 3
    camera.write(3000)
    assert (camera.drops, stored(client), camera.writer.waiting()) == ({}, [4], 1)
    camera.writer.maintain()
    assert camera.writer.waiting() == 1


def test_a_beat_withdraws_what_no_worker_answered_in_time(client):
    camera = Camera(client, freshness_s=2.0)
    camera.write(age_s=3.5)
    camera.write()
    camera.writer.maintain()
    assert camera.drops == {"trimmed": 1}
    assert stored(client) == [2]


def test_a_beat_forgets_what_was_answered(client):
    camera, worker = Camera(client), Worker(client)
    for _ in range(4):
        camera.write()
    worker.publish(worker.reader.read(2, 0.01)[:2])
    camera.writer.maintain()
    assert camera.writer.waiting() == 2


def test_a_short_lived_camera_never_trims_a_long_lived_one(client):
    patient, hasty = Camera(client, "patient", freshness_s=60.0), Camera(client, "hasty", freshness_s=0.5)
    patient.writer.maintain()
    hasty.writer.maintain()
    # 30 s old by its entry id, which is what MINID cuts by
    old = int((patient.clock.now() - 30) * 1000)
    for number in range(300):  # more than a node of the stream: approximate trimming cuts whole nodes
        client.xadd(KEYS.frames(0), {"m": "x"}, id=f"{old}-{number}")
    hasty.write(1)
    assert client.xrange(KEYS.frames(0))[0][0] == f"{old}-0".encode()
    patient.writer.retire()
    hasty.writer.maintain()
    hasty.write(1)
    assert client.xrange(KEYS.frames(0))[0][0] != f"{old}-0".encode()


def test_a_full_redis_is_counted_and_raised():
    with EmbeddedRedis(max_memory="3mb") as server:
        client = connect(server.url)
        camera = Camera(client, budget_bytes=10**9)
        camera.write()
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreFull):
            camera.write()
        assert camera.drops == {"redis_full": 1}
        assert stored(client) == [1]
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
        assert camera.drops == {"redis_lost": 3}
        assert camera.writer.waiting() == 0
        camera.writer.maintain()
        assert camera.drops == {"redis_lost": 3}
        client.close()


class LosingProxy:
    """Stands before a Redis; when told, lets one command through, has it executed, and loses its reply (or the command)."""

    def __init__(self, server, path):
        self._target, self.lose = server.directory / "redis.sock", ""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.url = f"unix://{path}"
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._target))
            self._sockets += [near, far]
            threading.Thread(target=self._serve, args=(near, far), daemon=True).start()

    def _serve(self, near, far):
        with near, far:
            # A request of the writer fits one read here, and so does a reply.
            while request := near.recv(1 << 20):
                losing, self.lose = self.lose, "" if self.lose and b"XADD" in request else self.lose
                if losing == "request" and b"XADD" in request:
                    return
                far.sendall(request)
                reply = far.recv(1 << 20)
                if losing == "reply" and b"XADD" in request:
                    return
                near.sendall(reply)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def proxy(redis_server, tmp_path, client):
    proxy = LosingProxy(redis_server, tmp_path / "proxy.sock")
    yield proxy
    proxy.close()


@pytest.fixture
def camera(proxy):
    client = connect(proxy.url)
    yield Camera(client)
    client.close()


def test_a_lost_reply_is_settled_the_frame_is_there(proxy, camera, client):
    camera.write()
    proxy.lose = "reply"
    with pytest.raises(StoreUnavailable):
        camera.write()
    assert stored(client) == [1, 2]
    camera.writer.maintain()
    assert (camera.drops, camera.writer.waiting(), camera.writer.written) == ({}, 2, 2)


def test_a_lost_reply_is_settled_the_frame_was_answered_meanwhile(proxy, camera, client):
    worker = Worker(client)
    proxy.lose = "reply"
    with pytest.raises(StoreUnavailable):
        camera.write()
    assert worker.publish(worker.reader.read(5, 0.01)) == [True]
    camera.writer.maintain()
    assert (camera.drops, camera.writer.waiting(), camera.writer.written) == ({}, 0, 1)


def test_a_lost_command_is_counted_as_dropped(proxy, camera, client):
    proxy.lose = "request"
    with pytest.raises(StoreUnavailable):
        camera.write()
    camera.writer.maintain()
    assert (camera.drops, camera.writer.waiting(), stored(client)) == ({"redis_down": 1}, 0, [])


def test_frames_of_unknown_fate_are_counted_when_redis_stays_away(proxy, camera):
    proxy.lose = "request"
    with pytest.raises(StoreUnavailable):
        camera.write()
    camera.writer.abandon_uncertain()
    camera.writer.abandon_uncertain()
    assert camera.drops["redis_down"] == 1
