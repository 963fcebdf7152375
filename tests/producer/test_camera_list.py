"""A producer notices by itself that cameras.yaml, or a file with an URL, was written or replaced."""

import os
from pathlib import Path

import pytest

from ferstream.producer.config.camera_config import CameraSettings
from ferstream.producer.config.camera_list import CameraList
from ferstream.producer.errors import ConfigError
from tests.producer.test_cli import running
from tests.producer.test_fleet import frames_in, status_of
from tests.support.video_files import wait_until


def replace(path: Path, text: str) -> None:
    """As editors do, and Kubernetes: another file takes the name."""
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "door.url").write_text("rtsp://10.0.0.7/x")
    path = tmp_path / "cameras.yaml"
    path.write_text("cameras:\n  door: '@door.url'\n")
    return path


@pytest.fixture
def cameras(file: Path) -> CameraList:
    cameras = CameraList((f"hall=@{file.parent}/door.url",), file, CameraSettings())
    assert [camera.camera_id for camera in cameras.read()] == ["hall", "door"]
    return cameras


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_text("cameras: {}\n"),
        lambda file: replace(file, file.read_text()),
        lambda file: replace(file.parent / "door.url", "rtsp://10.0.0.8/x"),
        lambda file: file.unlink(),
        lambda file: os.utime(file, (1, 1)),
    ],
)
def test_a_change_is_seen_once_the_writer_is_done(cameras, file, change):
    assert [cameras.changed() for _ in range(3)] == [False] * 3
    change(file)
    assert [cameras.changed() for _ in range(3)] == [False, True, True]


def test_a_link_that_leads_elsewhere_is_a_change(tmp_path):
    """As Kubernetes changes a ConfigMap: the file is a link into ..data, a link to a folder, and that one is replaced."""
    for folder, host in (("first", "10.0.0.7"), ("second", "10.0.0.8")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cameras.yaml").write_text(f"cameras:\n  door: rtsp://{host}/x\n")
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "cameras.yaml").symlink_to("..data/cameras.yaml")
    cameras = CameraList((), tmp_path / "cameras.yaml", CameraSettings())
    assert [camera.url for camera in cameras.read()] == ["rtsp://10.0.0.7/x"]
    assert [cameras.changed() for _ in range(2)] == [False] * 2
    (tmp_path / "new").symlink_to("second")
    (tmp_path / "new").replace(tmp_path / "..data")
    assert [cameras.changed() for _ in range(2)] == [False, True]
    assert [camera.url for camera in cameras.read()] == ["rtsp://10.0.0.8/x"]


def test_a_file_that_is_being_written_is_left_alone(cameras, file):
    for length in range(1, 5):
        file.write_text("cameras:\n"[:length])
        assert not cameras.changed()
    assert cameras.changed()


def test_a_mistake_is_seen_once_and_what_it_misses_is_watched(cameras, file):
    (file.parent / "door.url").unlink()
    assert [cameras.changed() for _ in range(2)] == [False, True]
    with pytest.raises(ConfigError, match="No such file"):
        cameras.read()
    assert [cameras.changed() for _ in range(3)] == [False] * 3
    (file.parent / "door.url").write_text("rtsp://10.0.0.9/x")
    assert [cameras.changed() for _ in range(2)] == [False, True]
    assert {camera.url for camera in cameras.read()} == {"rtsp://10.0.0.9/x"}


def test_a_pipe_is_read_once(tmp_path):
    reader, writer = os.pipe()
    os.write(writer, b"cameras: {a: 'portraits:'}")
    os.close(writer)
    try:
        cameras = CameraList((), Path(f"/dev/fd/{reader}"), CameraSettings())
        assert len(cameras.read()) == 1
        assert [cameras.changed() for _ in range(3)] == [False] * 3
    finally:
        os.close(reader)


def test_a_producer_follows_its_file(redis_url, tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras:\n  a: 'portraits:'\n  b: 'portraits:'\n")
    with running(tmp_path / "log", "--redis", redis_url, "--cameras", str(file)) as producer:
        wait_until(lambda: frames_in(redis_url, "a") and frames_in(redis_url, "b"), within_s=15, what="two cameras")
        replace(file, "cameras:\n  b: 'portraits:'\n  c: '@c.url'\n")
        wait_until(lambda: "the cameras stay as they are" in producer.log, within_s=10, what="the mistake is told")
        (tmp_path / "c.url").write_text("portraits:")
        wait_until(lambda: frames_in(redis_url, "c") and status_of(redis_url, "a") is None, within_s=10, what="c instead of a")
        assert producer.log.count("the cameras stay as they are") == 1
        assert producer.log.count("camera b: connecting") == 1
        assert producer.end()[0] == 0
