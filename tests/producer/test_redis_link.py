"""The producer's tie to a real Redis Cluster: what it keeps there, when it is fit for work, and how long it waits."""

import math
import threading
import time

import pytest
from skimage import data

from ferstream.producer import redis_link
from ferstream.producer.camera_state import CameraState, FrameCounts
from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.fleet import Fleet
from ferstream.producer.latest_frame import Captured, LatestFrame
from ferstream.producer.publisher import FramePublisher
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.errors import StoreFull, StoreUnavailable
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.support.video_files import wait_until

KEYS = Keys(shards=6)
CAMERAS = [next(name for name in (f"camera-{n}" for n in range(99)) if KEYS.shard_of(name) == shard) for shard in range(6)]
AWAY = StoreUnavailable("no answer from Redis: away")


@pytest.fixture
def link(cluster):
    link = RedisLink(cluster.url, KEYS)
    link.open()
    yield link
    link.client.close()


@pytest.fixture
def at_work(link, monkeypatch):
    """The link with its thread, which looks at the clock often."""
    monkeypatch.setattr(redis_link, "CLOCK_EVERY_S", 0.0)
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop, lambda: None))
    thread.start()
    yield link
    stop.set()
    thread.join()


def test_a_shard_count_that_was_lost_is_written_again_and_another_one_refused(cluster, at_work):
    shard = at_work.of(CAMERAS[0])
    with connect(cluster.url) as client:
        client.delete(KEYS.shard_count)
        wait_until(lambda: client.get(KEYS.shard_count) == b"6", within_s=10, what="the shard count")
        assert (at_work.away, shard.up) == (None, True)
        client.set(KEYS.shard_count, 4)
        wait_until(lambda: not shard.up, within_s=10, what="the link's refusal")
        assert "4 shards" in at_work.away
        assert client.get(KEYS.shard_count) == b"4"
        client.delete(KEYS.shard_count)
        wait_until(lambda: shard.up and at_work.away is None, within_s=15, what="the link")
        assert client.get(KEYS.shard_count) == b"6"


def test_fit_for_work_as_long_as_one_shard_answers(link):
    one, two = link.of(CAMERAS[0]), link.of(CAMERAS[1])
    one.on_unavailable(AWAY)
    assert link.away is None
    two.on_unavailable(AWAY)
    assert "away" in link.away
    wait_until(lambda: one.up and two.up, within_s=10, what="another try")
    assert "away" in link.away  # it is tried; nothing answered yet
    two.on_ok()
    assert link.away is None
    two.on_unavailable(AWAY)
    two.on_error(StoreFull("Redis is at its memory limit"))
    assert link.away is None  # who refuses is there


def test_a_camera_that_gives_no_frames_finds_out_that_its_shard_is_back(cluster, link):
    fleet = Fleet(link, group="workers", camera_labels=False)
    fleet.apply([CameraConfig(CAMERAS[0], "rtsp://127.0.0.1:1/none", CameraSettings())])
    try:
        link.of(CAMERAS[0]).on_unavailable(AWAY)
        assert link.away is not None
        wait_until(lambda: link.away is None, within_s=10, what="a beat of the camera")
    finally:
        fleet.stop()


def test_fifty_cameras_of_one_shard_that_lose_it_together_wait_as_briefly_as_one(link, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda _least, most: most)  # the longest of all jitters
    shard = link.of(CAMERAS[0])
    before, began = shard.generation, time.monotonic()
    for _ in range(50):
        shard.on_unavailable(AWAY)
    assert shard.generation == before + 50
    assert shard._retry_at - began <= 0.5 + (time.monotonic() - began)
    monkeypatch.setattr(shard, "_retry_at", 0.0)
    shard.on_unavailable(AWAY)  # the second try failed too
    assert 0.5 < shard._retry_at - began <= 1.0 + (time.monotonic() - began)


class SurprisingTracer:
    """Fails where a camera's frame begins, or where it ends."""

    def __init__(self, at_end: bool) -> None:
        self.at_end, self.traceparent = at_end, None

    def frame(self, _sequence, _captured_at):
        if not self.at_end:
            raise ValueError("a surprise")
        return self

    def end(self, _written):
        raise ValueError("a surprise")


@pytest.mark.parametrize(
    ("at_end", "written", "dropped", "told", "state"), [(False, 0, {"error": 2}, 1, "down"), (True, 2, {}, 2, "connecting")]
)
def test_a_surprise_of_the_tracer_ends_no_camera_and_each_frame_counts_once(
    redis_url, caplog, at_end, written, dropped, told, state
):
    link, counts = RedisLink(redis_url, Keys()), FrameCounts("")
    link.open()
    latest, settings = LatestFrame(None, counts.dropped), CameraSettings()
    camera = CameraConfig("a", "portraits:", settings)
    tracer = SurprisingTracer(at_end)
    camera_state = CameraState("a", "")
    publisher = FramePublisher(
        camera, latest, link, counts, camera_state, producer="p:1", label="", group="workers", tracer=tracer
    )
    publisher.permitted_until = math.inf
    for sequence in (1, 2):
        publisher._attempt(Captured(data.astronaut(), sequence, link.clock.now()))
    publisher._finish()
    totals = counts.totals()
    assert (totals.written, dict(totals.dropped)) == (written, dropped)
    assert caplog.text.count("ValueError: a surprise") == told
    assert camera_state.status("", 0).state == state
    link.client.close()
