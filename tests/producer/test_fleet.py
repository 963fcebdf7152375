"""Cameras at work against a real Redis: what comes in, what is dropped, and that every frame is counted through all of it."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from prometheus_client import generate_latest

from ferstream.producer import metrics
from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.errors import ConfigError
from ferstream.producer.fleet import Fleet
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.errors import StoreRefused
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import read_statuses
from ferstream.streams.local.embedded_redis import find_redis_server
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame
from tests.support.video_files import make_video, wait_until

KEYS = Keys()


@contextmanager
def at_work(url: str, *cameras: CameraConfig) -> Iterator[Fleet]:
    """A fleet with its link, as the service runs them."""
    link = RedisLink(url, KEYS)
    link.open()
    fleet = Fleet(link, group="workers", camera_labels=True)
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop, fleet.report))
    thread.start()
    fleet.apply(list(cameras))
    try:
        yield fleet
    finally:
        fleet.stop()
        stop.set()
        thread.join()
        link.client.close()


def frames_in(url: str, camera_id: str | None = None) -> list[Frame]:
    client = connect(url)
    entries = client.xrange(KEYS.frames(0))
    client.close()
    frames = [decode_frame(str(entry_id), fields) for entry_id, fields in entries]
    return [frame for frame in frames if camera_id in (None, frame.header.camera_id)]


def status_of(url: str, camera_id: str) -> CameraStatus | None:
    client = connect(url)
    statuses = {status.camera_id: status for status in read_statuses(client, KEYS.cameras, CameraStatus)}
    client.close()
    return statuses.get(camera_id)


def sums(fleet: Fleet, camera_id: str) -> tuple[int, int, Counter[str]]:
    totals = fleet.totals()[camera_id]
    return totals.captured, totals.written, Counter(totals.dropped)


def portraits(camera_id: str = "p", **settings: object) -> CameraConfig:
    return CameraConfig(camera_id, "portraits:", CameraSettings(max_side=320, **settings))


class Redis:
    """A redis-server on a fixed socket that can be killed and started again; its data is gone then."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "r.sock"
        self.url = f"unix://{self._socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        command = [
            find_redis_server(),
            "--port",
            "0",
            "--unixsocket",
            str(self._socket),
            "--save",
            "",
            "--dir",
            str(self._socket.parent),
            *options,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._socket.exists, within_s=5, what="redis-server is there")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self._socket.unlink(missing_ok=True)
            self.process = None


@pytest.fixture
def redis(tmp_path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.kill()


def test_frames_arrive_with_growing_numbers(redis_url):
    with at_work(redis_url, portraits()) as fleet:
        wait_until(lambda: len(frames_in(redis_url)) >= 20, within_s=6, what="20 frames")
        wait_until(lambda: status_of(redis_url, "p").sequence > 0, within_s=3, what="a status with a frame")
        status = status_of(redis_url, "p")
    frames = frames_in(redis_url)
    headers = [frame.header for frame in frames]
    assert [h.sequence for h in headers] == list(range(headers[0].sequence, headers[0].sequence + len(headers)))
    assert abs(headers[0].sequence / 1000 - time.time()) < 20
    assert all(h.deadline == pytest.approx(h.captured_at + 5) for h in headers)
    assert {(h.width, h.height) for h in headers} == {(1280, 720)}
    assert (status.state, status.url, status.width, status.problem) == ("live", "portraits:", 1280, "")
    captured, written, dropped = sums(fleet, "p")
    assert captured == written + dropped["busy"] == len(frames) + dropped.total()


def test_the_cap_drops_and_counts(redis_url, tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=60, fps=30)
    with at_work(redis_url, CameraConfig("a", str(video), CameraSettings(fps=10))) as fleet:
        wait_until(lambda: fleet.finished, within_s=6, what="the file's end")
    captured, written, dropped = sums(fleet, "a")
    assert captured == 60
    assert 18 <= written <= 23
    assert captured == written + dropped["rate"] + dropped["busy"]
    assert f'fer_frames_dropped_total{{camera="a",reason="rate"}} {dropped["rate"]}.0' in generate_latest(metrics.ALL).decode()


def test_as_fast_as_possible_loses_nothing(redis_url, tmp_path):
    """A small budget and a slow worker: the reader waits."""
    video = make_video(tmp_path / "a.mkv", frames=150, fps=10, size=(640, 480))
    client, seen = connect(redis_url), []
    client.xgroup_create(KEYS.frames(0), "workers", "0", mkstream=True)
    with at_work(redis_url, CameraConfig("a", str(video), CameraSettings(realtime=False, fps=1, budget_bytes=65536))) as fleet:
        end = time.monotonic() + 30
        while time.monotonic() < end and not (fleet.finished and len(seen) == 150):
            for _, entries in client.xreadgroup("workers", "w", {KEYS.frames(0): ">"}, count=10, block=100) or []:
                assert sum(len(frame.picture) for frame in frames_in(redis_url)) <= 65536 + 10000
                for entry_id, fields in entries:
                    seen.append(decode_frame(str(entry_id), fields).header)
                    client.xack(KEYS.frames(0), "workers", entry_id)
                    client.xdel(KEYS.frames(0), entry_id)
    client.close()
    assert len({header.sequence for header in seen}) == 150
    assert [header.media_time for header in seen] == pytest.approx([number / 10 for number in range(150)])
    assert {header.producer for header in seen} == {f"{socket.gethostname()}:{os.getpid()}"}
    assert sums(fleet, "a") == (150, 150, Counter())
    assert seen[0].deadline > time.time() + 3000


def test_the_byte_budget_drops_the_oldest(redis_url):
    with at_work(redis_url, portraits(budget_bytes=65536)) as fleet:
        wait_until(lambda: sums(fleet, "p")[2]["budget"] >= 5, within_s=8, what="drops for the budget")
    waiting = frames_in(redis_url)
    assert sum(len(frame.picture) for frame in waiting) <= 65536
    captured, _, dropped = sums(fleet, "p")
    assert captured == len(waiting) + dropped.total()
    assert waiting[-1].header.sequence - waiting[0].header.sequence + 1 == len(waiting)


def test_redis_down_at_start_and_gone_meanwhile(redis):
    with at_work(redis.url, portraits()) as fleet:
        wait_until(lambda: sums(fleet, "p")[2]["redis_down"] >= 5, within_s=5, what="drops while Redis is down")
        assert sums(fleet, "p")[1] == 0
        redis.start()
        wait_until(lambda: sums(fleet, "p")[1] >= 10, within_s=10, what="frames once Redis is there")
        redis.kill()
        before = sums(fleet, "p")[2]["redis_down"]
        wait_until(lambda: sums(fleet, "p")[2]["redis_down"] >= before + 10, within_s=8, what="drops while Redis is gone")
        redis.start()
        written = sums(fleet, "p")[1]
        wait_until(lambda: sums(fleet, "p")[1] >= written + 10, within_s=10, what="frames after the return")
    captured, written, dropped = sums(fleet, "p")
    assert dropped["redis_lost"] >= 1
    assert captured == len(frames_in(redis.url)) + dropped.total()
    assert captured == written + dropped["redis_down"] + dropped["busy"] + dropped["rate"], dropped


def test_a_redis_that_hangs_is_no_loss_of_account(redis):
    """Replies are lost while frames arrive: each is settled once Redis answers."""
    redis.start()
    with at_work(redis.url, portraits(freshness_s=60)) as fleet:
        wait_until(lambda: sums(fleet, "p")[1] >= 5, within_s=5, what="frames")
        os.kill(redis.process.pid, signal.SIGSTOP)
        time.sleep(8)  # longer than a command may take
        os.kill(redis.process.pid, signal.SIGCONT)
        written = sums(fleet, "p")[1]
        wait_until(lambda: sums(fleet, "p")[1] >= written + 10, within_s=15, what="frames after the pause")
    captured, written, dropped = sums(fleet, "p")
    assert captured == len(frames_in(redis.url)) + dropped.total()
    assert written == len(frames_in(redis.url))


def test_a_file_waits_for_redis(redis, tmp_path):
    video = make_video(tmp_path / "a.mkv", frames=40)
    with at_work(redis.url, CameraConfig("a", str(video), CameraSettings(realtime=False))) as fleet:
        time.sleep(0.5)
        redis.start()
        wait_until(lambda: fleet.finished, within_s=10, what="the file's end")
    assert sums(fleet, "a") == (40, 40, Counter())
    assert len(frames_in(redis.url)) == 40


def test_a_full_redis(redis):
    redis.start()
    client = connect(redis.url)
    with at_work(redis.url, portraits()) as fleet:
        wait_until(lambda: sums(fleet, "p")[1] >= 5, within_s=5, what="frames")
        client.config_set("maxmemory", "1")
        wait_until(lambda: sums(fleet, "p")[2]["redis_full"] >= 5, within_s=5, what="drops while Redis is full")
        client.config_set("maxmemory", "0")
        written = sums(fleet, "p")[1]
        wait_until(lambda: sums(fleet, "p")[1] >= written + 5, within_s=10, what="frames once there is room")
    client.close()
    captured, _, dropped = sums(fleet, "p")
    assert captured == len(frames_in(redis.url)) + dropped.total()


def test_a_wrong_shard_count_is_told_at_once(redis_url):
    client = connect(redis_url)
    client.set(KEYS.shard_count, 4)
    client.close()
    with pytest.raises(StoreRefused, match="4 shards"):
        RedisLink(redis_url, KEYS).open()


def test_a_frozen_camera_is_named(redis_url, tmp_path, caplog):
    video = make_video(tmp_path / "still.mp4", frames=1, fps=10)
    camera = CameraConfig("still", str(video), CameraSettings(loop=True, frozen_after_s=1))
    with caplog.at_level("INFO"), at_work(redis_url, camera):
        wait_until(lambda: (s := status_of(redis_url, "still")) and s.state == "frozen", within_s=6, what="state frozen")
    assert caplog.text.count("camera still is frozen") == 1


def test_cameras_come_and_go(redis_url):
    with at_work(redis_url, portraits("a"), portraits("b")) as fleet:
        wait_until(lambda: status_of(redis_url, "a") and status_of(redis_url, "b"), within_s=5, what="two statuses")
        kept = fleet._cameras["b"]
        fleet.apply([portraits("b"), portraits("c")])
        wait_until(lambda: status_of(redis_url, "c"), within_s=5, what="the third camera")
        wait_until(lambda: status_of(redis_url, "a") is None, within_s=5, what="the first camera's status is gone")
        assert fleet._cameras["b"] is kept
        client = connect(redis_url)
        assert client.hget(KEYS.last(0), "a") is None
        client.close()
        fleet.apply([portraits("b", fps=3), portraits("c")])
        assert fleet._cameras["b"] is not kept
    numbers = [frame.header.sequence for frame in frames_in(redis_url, "b")]
    assert len(set(numbers)) == len(numbers)


def test_a_missing_file_is_retried_live_and_final_offline(redis_url, tmp_path):
    live = CameraConfig("live", str(tmp_path / "late.mp4"), CameraSettings())
    offline = CameraConfig("offline", str(tmp_path / "none.mp4"), CameraSettings(realtime=False))
    with at_work(redis_url, live, offline) as fleet:
        wait_until(lambda: fleet.failed == ["offline"], within_s=3, what="the offline file fails")
        wait_until(lambda: (s := status_of(redis_url, "live")) and s.state == "down", within_s=3, what="state down")
        assert status_of(redis_url, "live").problem == "no such file"
        make_video(tmp_path / "late.tmp.mp4", frames=5).rename(tmp_path / "late.mp4")
        wait_until(lambda: fleet.finished, within_s=10, what="the late file is read")
    assert sums(fleet, "live")[0] == 5


@pytest.mark.parametrize(
    ("picked", "numbers"),
    [
        ({}, range(30)),
        ({"every": 7}, [0, 7, 14, 21, 28]),
        ({"from_s": 1.0, "to_s": 1.5}, range(10, 15)),
        ({"every": 4, "from_s": 2.5}, [28]),
        ({"from_s": 9.0}, []),
    ],
)
def test_frames_of_a_file_are_picked_and_named_by_their_numbers(redis_url, tmp_path, picked, numbers):
    settings = CameraSettings(realtime=False, frame_numbers=True, **picked)
    with at_work(redis_url, CameraConfig("a", str(make_video(tmp_path / "a.mp4")), settings)) as fleet:
        wait_until(lambda: fleet.finished, within_s=20, what="the end of the file")
        headers = [frame.header for frame in frames_in(redis_url, "a")]
        captured, written, dropped = sums(fleet, "a")
    assert [header.sequence for header in headers] == list(numbers)
    assert [header.media_time for header in headers] == pytest.approx([number / 10 for number in numbers])
    assert (captured, written, dropped) == (len(numbers), len(numbers), Counter())


def test_frames_of_a_folder_are_named_by_its_files(redis_url, tmp_path):
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((64, 64, 3), 60 * number, np.uint8))
    (tmp_path / "2.png").write_bytes(b"no picture")
    with at_work(redis_url, CameraConfig("a", str(tmp_path), CameraSettings(realtime=False, frame_numbers=True))) as fleet:
        wait_until(lambda: fleet.finished, within_s=20, what="the end of the folder")
        assert [frame.header.sequence for frame in frames_in(redis_url, "a")] == [0, 1, 3]


def test_frames_of_a_camera_are_not_picked():
    with pytest.raises(ConfigError, match="set realtime to false"):
        CameraConfig("a", "rtsp://camera/live", CameraSettings(every=2))
