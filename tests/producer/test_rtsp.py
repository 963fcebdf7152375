"""Real RTSP cameras: H.264 over TCP, passwords, a server that goes and comes back."""

from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest

from ferstream.producer import metrics
from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.errors import ConfigError
from ferstream.producer.sources.finding import as_table
from ferstream.producer.sources.probe import probe_all
from tests.producer.test_fleet import at_work, frames_in, status_of, sums
from tests.support.video_files import RtspServer, shared_video, wait_until

PASSWORD = "h@Zq7/Xv?2#a%b"
ESCAPED = "h%40Zq7%2FXv%3F2%23a%25b"


@pytest.fixture
def locked() -> Iterator[RtspServer]:
    with RtspServer(user="cam", password=PASSWORD) as server:
        yield server


def test_three_cameras(redis_url):
    names = {"bird": "bird.mkv", "two": "two_people_head_pose.mp4", "walkers": "no_face_walkers.mp4"}
    with RtspServer({name: shared_video(file) for name, file in names.items()}) as server:
        cameras = [CameraConfig(name, server.url(name)) for name in names]
        with at_work(redis_url, *cameras) as fleet:
            wait_until(
                lambda: all(len(frames_in(redis_url, name)) >= 10 for name in names), within_s=15, what="ten frames of each"
            )
        for name in names:
            captured, written, dropped = sums(fleet, name)
            assert captured == written + dropped["rate"] + dropped["busy"]
    assert {f.header.media_time for f in frames_in(redis_url)} == {None}, "they are live"
    sizes = {(f.header.camera_id, f.header.width, f.header.height) for f in frames_in(redis_url)}
    assert sizes == {("bird", 640, 480), ("two", 480, 270), ("walkers", 768, 432)}


def test_a_server_that_comes_back(redis_url):
    with RtspServer() as server, at_work(redis_url, CameraConfig("ball", server.url("pattern"))) as fleet:
        wait_until(lambda: len(frames_in(redis_url)) >= 10, within_s=10, what="frames")
        server.kill()
        wait_until(lambda: (s := status_of(redis_url, "ball")) and s.state == "down", within_s=8, what="state down")
        before = sums(fleet, "ball")[1]
        server.start()
        wait_until(lambda: sums(fleet, "ball")[1] > before, within_s=10, what="frames again")
        wait_until(lambda: status_of(redis_url, "ball").state == "live", within_s=3, what="state live")
        assert status_of(redis_url, "ball").reconnects == 1
    assert 'fer_camera_reconnects_total{camera="ball"} 1.0' in generate_latest(metrics.ALL).decode()


def test_a_camera_that_goes_silent(redis_url):
    """The connection stands, and nothing comes: a blocked read has to end."""
    with RtspServer() as server:
        camera = CameraConfig("ball", server.url("pattern"), CameraSettings(stall_after_s=1.5))
        with at_work(redis_url, camera) as fleet:
            wait_until(lambda: len(frames_in(redis_url)) >= 10, within_s=10, what="frames")
            server.freeze()
            wait_until(lambda: (s := status_of(redis_url, "ball")) and s.state == "stalled", within_s=5, what="state stalled")
            before = sums(fleet, "ball")[1]
            server.thaw()
            wait_until(lambda: sums(fleet, "ball")[1] > before, within_s=12, what="frames again")


def test_passwords_work_and_are_never_shown(locked, redis_url, caplog):
    good = CameraConfig("good", locked.url("pattern", f"cam:{ESCAPED}"))
    wrong = CameraConfig("wrong", locked.url("pattern", f"cam:{ESCAPED}x"))
    with pytest.raises(ConfigError, match="in a password write @") as raw:
        CameraConfig("raw", locked.url("pattern", f"cam:{PASSWORD}"))
    with caplog.at_level("DEBUG"), at_work(redis_url, good, wrong):
        wait_until(lambda: frames_in(redis_url, "good"), within_s=10, what="a frame of the good camera")
        wait_until(lambda: (s := status_of(redis_url, "wrong")) and s.problem, within_s=10, what="the problem")
        statuses = [status_of(redis_url, name) for name in ("good", "wrong")]
    assert statuses[1].problem == "wrong user or password (401)"
    assert statuses[0].url == locked.url("pattern", "cam:***")
    findings = probe_all([good, wrong], 15)
    assert [finding.state for finding in findings] == ["ok", "failed"]
    assert (findings[0].size, findings[0].codec) == ("320x240", "h264")
    shown = [
        caplog.text,
        str(statuses),
        generate_latest(metrics.ALL).decode(),
        str(findings),
        *as_table(findings),
        repr(good),
        str(raw.value),
    ]
    for part in ("Zq7", "h@Z", "h%40", "Xv", "a%b", "a%25b"):
        assert not any(part in text for text in shown), part
