"""cameras.yaml and --camera: every mistake is one line that names its place."""

from pathlib import Path

import pytest

from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.config.cameras_file import camera_from_argument, read_cameras_file, refuse_duplicates
from ferstream.producer.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cameras.yaml"
    path.write_text(text)
    return path


def test_reads_cameras_over_defaults(tmp_path):
    (tmp_path / "secret").write_text("rtsp://u:hunter2@10.0.0.8/x\n")
    path = write(
        tmp_path,
        "cameras:\n  door: rtsp://10.0.0.7/stream\n"
        "  hall:\n    url_file: secret\n    fps: 10\n    max_side: 960\n  hall2:\n    url: /a/b.mp4\n    realtime: false\n",
    )
    door, hall, file = read_cameras_file(path, CameraSettings(fps=5))
    assert (door.camera_id, door.url, door.settings.fps, door.settings.freshness_budget_s) == (
        "door",
        "rtsp://10.0.0.7/stream",
        5,
        5,
    )
    assert (hall.url, hall.settings.fps, hall.settings.max_side, hall.settings.freshness_budget_s) == (
        "rtsp://u:hunter2@10.0.0.8/x",
        10,
        960,
        5,
    )
    assert file.settings.freshness_budget_s == 3600
    assert hall.shown_url == "rtsp://u:***@10.0.0.8/x"
    assert "hunter2" not in repr(hall)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "cameras:\n  a:\n    url: /x\n    jpeg_qualty: 3\n",
            "line 4: camera a: unknown key jpeg_qualty (did you mean jpeg_quality?)",
        ),
        ("cammeras: {}\n", "unknown key cammeras (did you mean cameras?)"),
        ("cameras:\n  a: /x\n  a: /y\n", "line 3: cameras has a twice"),
        ("cameras:\n  a: {url: /x, fps: 0}\n", "line 2: camera a: fps must be a number from 0.01 to 240, not 0"),
        ("cameras:\n  a: {url: /x, fps: fast}\n", "fps must be a number from 0.01 to 240, not 'fast'"),
        ("cameras:\n  a: {url: /x, max_side: 10.5}\n", "max_side must be a whole number from 64 to 16384"),
        ("cameras:\n  a: {url: /x, loop: 3}\n", "loop must be true or false, not 3"),
        ("cameras:\n  a: {url: /x, jpeg_quality: true}\n", "jpeg_quality must be a whole number"),
        ("cameras:\n  a: {fps: 3}\n", "camera a: give either url or url_file"),
        ("cameras:\n  a: {url: gopher://x/y}\n", "no source speaks gopher"),
        ("cameras:\n  a: {url: 'rtsp://u:hunter2@h:port/'}\n", "port that is no number"),
        ("cameras:\n  a: {url_file: nowhere}\n", "/nowhere: No such file"),
        ("cameras: [a, b]\n", "must be a map"),
        ("cameras:\n  a: {url: 'rtsp://u:hunter2@h\n", "this is no YAML"),
        ("cameras:\n  a: {url: *hunter2}\n", "line 2: this is no YAML: found undefined alias ..."),
        ("cameras:\n  a: {url: 'rtsp://h/x', realtime: false}\n", "camera a: a live camera cannot be read as fast as possible"),
        ("cameras:\n  a:\n    url: portraits:\n", "line 3: this is no YAML: mapping values are not allowed here; if a value has"),
        ("cameras:\n  a: portraits:\n", "quote it: url: 'portraits:'"),
        ("cameras:\n  a: {url: portraits:}\n", "quote it"),
        ("cameras:\n  a: {url: portraits: , fps: 3}\n", "quote it"),
        ("cameras:\n  a: webcam: 0\n", "quote it"),
        ("cameras:\n  a:\n    portraits:\n", "line 3: camera a: unknown key portraits; if a value has a colon in it, quote it"),
        ("cameras:\n  a:\n    url:\n      portraits:\n", "camera a: url must be text; if a value has a colon in it, quote it"),
        ("cameras:\n  a: {url: 5}\n", "camera a: url must be text"),
        ("cameras:\n  a: {url: /x, fps: .nan}\n", "fps must be a number from 0.01 to 240, not nan"),
        ("cameras:\n  a: {url: /x, max_side: 99999999999999999999}\n", "max_side must be a whole number from 64 to 16384"),
        ("cameras:\n  a: {url: /x, freshness_s: 2026-01-01}\n", "freshness_s must be a number from 0.1 to 604800"),
        ("cameras:\n  a: {url: /x, loop: [true]}\n", "loop must be true or false"),
        ("cameras:\n  a: {url: /x, fps: 2026-13-45}\n", "line 2: camera a: fps has a value that YAML cannot make out"),
        ("cameras:\n  a: {url: /x, fps: !!int five}\n", "line 2: camera a: fps has a value that YAML cannot make out"),
        ("cameras:\n  a: {url: /x, loop: !!bool perhaps}\n", "camera a: loop has a value that YAML cannot make out"),
        ("cameras:\n  a: {url: /x, fps: !!timestamp x}\n", "camera a: fps has a value that YAML cannot make out"),
        (
            'cameras:\n  a: "/x\\0y"\n',
            "line 2: camera a: the URL or path holds a line break, a zero byte or",
        ),
        ("cameras:\n  a: file:///x%00y\n", "the URL or path holds a line break, a zero byte"),
        ('cameras:\n  a: {url_file: "x\\0y"}\n', "the URL or path holds a line break, a zero byte"),
        ("cameras:\n  a: ~nobody-of-this-name/x.mp4\n", "camera a: there is no user ~nobody-of-this-name: write the whole path"),
        ("cameras: " + "[" * 1000, "it is nested too deep"),
        (
            "cameras:\n  a: @door.url\n",
            "line 2: this is no YAML: found character ... that cannot start any token; if a value begins with @",
        ),
        (
            "cameras:\n  a:rtsp://u:hunter2@h/x: {fps: 3}\n",
            "line 2: a name must not be an address: is a space missing",
        ),
        ("cameras:\n  a: {rtsp://u:hunter2@h/x: 3}\n", "line 2: a name must not be an address"),
        ("cameras:\n  a: {url: /x, fps: 'rtsp://u:hunter2@h/x'}\n", "fps must be a number from 0.01 to 240, not (withheld URL)"),
        ("cameras:\n  a: {url: /x, loop: [rtsp://u:hunter2@h/x]}\n", "loop must be true or false, not (withheld URL)"),
        ("cameras:p:/u:hunter2@h a:\n", "line 1: a name must not be an address"),
        ('cameras: {"a\\nb": {url: /x, "f\\nps": 3}}\n', "line 1: camera a\\x0ab: unknown key f\\x0aps"),
        ('cameras: {"a\\nb": /x}\n', "line 1: camera a\\x0ab: a camera's name must be printable"),
        ("", "is empty"),
    ],
)
def test_mistakes_are_named(tmp_path, text, told):
    with pytest.raises(ConfigError) as caught:
        read_cameras_file(write(tmp_path, text), CameraSettings())
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_url_is_read_from_a_file(tmp_path, monkeypatch):
    (tmp_path / "door.url").write_text("rtsp://u:hunter2@10.0.0.8/x\n# a note\n")
    path = write(tmp_path, "cameras:\n  a: '@door.url'\n  b: {url: '@door.url', fps: 3}\n  c: {url_file: door.url}\n")
    monkeypatch.chdir(tmp_path)
    cameras = [*read_cameras_file(path, CameraSettings()), camera_from_argument("d=@door.url", CameraSettings())]
    assert {camera.url for camera in cameras} == {"rtsp://u:hunter2@10.0.0.8/x"}
    for file, told in (("none", "cannot read none: No such file"), ("", "cannot read .: Is a directory")):
        with pytest.raises(ConfigError, match=f"camera d: {told}"):
            camera_from_argument(f"d=@{file}", CameraSettings())
    (tmp_path / "door.url").write_text("rtsp://u:p/hunter2@h/x\n")
    with pytest.raises(ConfigError, match="camera d: the URL has no host") as caught:
        camera_from_argument("d=@door.url", CameraSettings())
    assert "hunter2" not in str(caught.value)


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*none\.yaml: No such file"):
        read_cameras_file(tmp_path / "none.yaml", CameraSettings())
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_cameras_file(tmp_path / "binary", CameraSettings())


def test_names():
    for name in ("", "a" * 129, "two\nlines"):
        with pytest.raises(ConfigError, match="name must be printable"):
            CameraConfig(name, "/x")
    with pytest.raises(ConfigError, match="NAME=URL"):
        camera_from_argument("rtsp://u:hunter2@host/x=3", CameraSettings())
    camera = camera_from_argument("door=rtsp://h/x?a=b", CameraSettings())
    assert (camera.camera_id, camera.url) == ("door", "rtsp://h/x?a=b")
    with pytest.raises(ConfigError, match="two cameras are named door"):
        refuse_duplicates([camera, camera])
