"""What nobody expected of one camera, of its source or of a report: who goes on, and what is said of it."""

import subprocess
import sys
import threading

import pytest

from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.fleet import Fleet
from ferstream.producer.publisher import FramePublisher
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.errors import StoreUnavailable
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.producer.test_fleet import KEYS, at_work, frames_in, portraits, status_of
from tests.support.patience import PROCESS_S
from tests.support.video_files import make_video, wait_until

SURPRISED_REPORT = """
from ferstream.producer.cli import main
from ferstream.producer.fleet import Fleet
Fleet.report = lambda self: {}["a report"]
main()
"""


def test_a_surprise_with_one_camera_is_shown_and_the_camera_goes_on_as_the_others_do(redis_url, monkeypatch, caplog):
    run, surprised = FramePublisher.run, []

    def surprise(self):
        if self._camera_id == "a" and not surprised:
            surprised.append(True)
            raise KeyError("rtsp://user:hunter2@host/x")
        run(self)

    monkeypatch.setattr(FramePublisher, "run", surprise)
    with at_work(redis_url, portraits("a"), portraits("b")):
        wait_until(lambda: frames_in(redis_url, "a") and frames_in(redis_url, "b"), within_s=30, what="frames of both")
        wait_until(lambda: (s := status_of(redis_url, "a")) and s.problem, within_s=10, what="its problem")
        shown = status_of(redis_url, "a")
        wait_until(lambda: status_of(redis_url, "b").state == "live", within_s=10, what="the other is live")
    assert (shown.state, shown.problem) == ("down", "a thread began anew: unexpected KeyError")
    assert caplog.text.count("camera a is down: a thread began anew: unexpected KeyError") == 1


def test_a_camera_whose_frames_are_not_written_any_more_is_named_while_the_others_go_on(redis_url, monkeypatch, caplog):
    write, go_on = FramePublisher._write, threading.Event()
    monkeypatch.setattr("ferstream.producer.camera.HANGS_AFTER_S", 0.5)
    monkeypatch.setattr(
        FramePublisher, "_write", lambda self, frame: (self._camera_id != "a" or go_on.wait()) and write(self, frame)
    )
    with at_work(redis_url, portraits("a"), portraits("b")):
        wait_until(lambda: (s := status_of(redis_url, "a")) and s.state == "down", within_s=30, what="state down")
        assert status_of(redis_url, "a").problem.startswith("its frames are not written: the thread that does that hangs")
        wait_until(lambda: status_of(redis_url, "b").state == "live", within_s=10, what="the other is live")
        go_on.set()
        wait_until(lambda: status_of(redis_url, "a").state == "live", within_s=30, what="it is live again")
    assert caplog.text.count("camera a is down: its frames are not written") == 1


def test_a_report_to_a_redis_that_has_gone_is_an_error_that_is_known():
    with EmbeddedRedis() as server:
        link = RedisLink(server.url, KEYS)
        link.open()
        fleet = Fleet(link, group="workers", camera_labels=True)
        fleet.apply([portraits("a")])
    with pytest.raises(StoreUnavailable):
        fleet.report()
    fleet.stop()
    link.client.close()


def test_a_path_that_cannot_be_followed_is_tried_again(redis_url, tmp_path):
    link = tmp_path / "a.mkv"
    camera = CameraConfig("a", str(link))
    link.symlink_to("x" * 300)
    with at_work(redis_url, camera) as fleet:
        wait_until(lambda: (s := status_of(redis_url, "a")) and s.state == "down", within_s=10, what="state down")
        assert status_of(redis_url, "a").problem == "FFmpeg says: File name too long"
        link.unlink()
        make_video(tmp_path / "b.mkv", frames=5).rename(link)
        wait_until(lambda: fleet.finished, within_s=20, what="the file is read")
    assert fleet.totals()["a"].captured == 5


def test_a_producer_whose_report_fails_ends_at_once_and_says_why(redis_url):
    ended = subprocess.run(
        [sys.executable, "-c", SURPRISED_REPORT, "run", "--metrics-port=0", "--redis", redis_url, "--camera=p=portraits:"],
        capture_output=True,
        text=True,
        timeout=PROCESS_S,
        check=False,
    )
    assert ended.returncode == 70
    assert "KeyError: 'a report'" in ended.stderr
