"""Cameras that take a connection and say nothing more: they hold up nobody, neither at the end nor where the list changes."""

import socket

import pytest

from tests.producer.test_cli import running
from tests.producer.test_fleet import frames_in
from tests.support.video_files import wait_until

SILENT = [f"silent-{number}" for number in range(8)]


@pytest.fixture
def nobody():
    """The address of a server whose connections the kernel takes, and nobody answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("url", ["rtsp://{}/x", "http://{}/x.mp4"])
def test_eight_silent_cameras_are_left_in_the_time_of_one(redis_url, nobody, tmp_path, url):
    file = tmp_path / "cameras.yaml"
    everybody = "".join(f"  {name}: {{url: '{url.format(nobody)}', stall_after_s: 3600}}\n" for name in SILENT)
    file.write_text(f"cameras:\n  p: 'portraits:'\n{everybody}")
    with running(tmp_path / "log", "--redis", redis_url, "--cameras", str(file)) as producer:
        wait_until(lambda: frames_in(redis_url, "p"), within_s=30, what="a frame of the one that speaks")
        file.write_text("cameras:\n  p: 'portraits:'\n")
        producer.hang_up()
        wait_until(lambda: "cameras read again: 1" in producer.log, within_s=25, what="the others are left")
        assert producer.page("healthz")[0] == 200
        file.write_text(f"cameras:\n  p: 'portraits:'\n{everybody}")
        producer.hang_up()
        wait_until(lambda: "cameras read again: 9" in producer.log, within_s=25, what="they are back")
        assert producer.end()[0] == 0  # within its 20 s
