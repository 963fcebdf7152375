"""Addresses: what they name, and that what is shown of them holds no password."""

import pytest

from ferstream.producer.config.camera_url import kind_of, redacted
from ferstream.producer.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rtsp://h/x", "rtsp"),
        ("RTSPS://h/x", "rtsp"),
        ("https://h/x.m3u8", "http"),
        ("/a/b.mp4", "file"),
        ("file:///a/b.mp4", "file"),
        ("a:b.mp4", "file"),
        ("/", "folder"),
        ("webcam:0", "webcam"),
        ("portraits:", "portraits"),
        ("portraits:12", "portraits"),
    ],
)
def test_kinds(url, kind):
    assert kind_of(url) == kind


@pytest.mark.parametrize(
    "url",
    ["gopher://h/x", "", "webcam:front", "portraits:crowd", "portraits:-1", "rtsp:///x", "rtsp://h:hunter2/x", "http://[h/x"],
)
def test_what_names_nothing(url):
    with pytest.raises(ConfigError) as caught:
        kind_of(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    ["p/hunter2", "12/hunter2", "p?hunter2", "12?hunter2", "p#hunter2", "1#hunter2", "hunter2%", "hunter2%zz", "a@b/hunter2"],
)
@pytest.mark.parametrize("host", ["10.0.0.5/live", "10.0.0.5:554", "cam/live?x=1", "[::1]:554/live", "cam.local"])
def test_a_password_that_needs_escapes_is_told_so(raw, host):
    with pytest.raises(ConfigError, match="in a password write @ / ") as caught:
        kind_of(f"rtsp://user:{raw}@{host}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://user:%40%2F%3F%23%25@host/stream",
        "rtsp://user:a@b@host/stream",  # the last @ counts
        "rtsp://user:p@10.0.0.5:554/live@1",
        "rtsp://10.0.0.5/user=admin_password=a@b_channel=1_stream=0.sdp",
        "http://host/x?mail=50%",
    ],
)
def test_what_looks_odd_and_is_right(url):
    assert kind_of(url) in ("rtsp", "http")


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://user:hunter2@host/stream",
        "rtsp://user:wo%40hunter2%2F@host:554/stream",
        "rtsp://user:a@hunter2@host/stream",
        "rtsp://user:a/hunter2?hunter2#hunter2%@host/stream",
        "rtsp://user:a#hunter2/@b@host/stream",
        "rtsp://host/stream?password=hunter2",
        "rtsp://host/user=admin&password=hunter2&channel=1/x",
        "rtsp://host/user=admin_password=hunter2_channel=1_stream=0.sdp",
        "http://host/x#hunter2",
    ],
)
def test_no_password_is_shown(url):
    assert "hunter2" not in redacted(url)
    assert "host" in redacted(url)


def test_the_rest_is_shown():
    assert redacted("rtsp://user:secret@host:554/stream/1") == "rtsp://user:***@host:554/stream/1"
    assert redacted("/videos/a.mp4") == "/videos/a.mp4"
    assert redacted("portraits:") == "portraits:"
