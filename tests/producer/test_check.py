"""`fer-producer check` and `schema`: what people and editors are told of cameras before they run."""

import base64
import json
from pathlib import Path

import numpy as np
import simplejpeg

from ferstream.producer.config.camera_config import RANGES, SETTING_NAMES, CameraSettings
from tests.producer.test_cli import run
from tests.support.mjpeg_camera import MjpegCamera
from tests.support.video_files import make_video

LEFT = "[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]"


def check(file: Path, text: str, *arguments: str) -> list[dict]:
    file.write_text(text)
    ended = run("check", "--json", "--cameras", str(file), *arguments)
    assert ended.returncode in (0, 1), ended.stderr
    return json.loads(ended.stdout)


def shown(path: str) -> np.ndarray:
    return simplejpeg.decode_jpeg(Path(path).read_bytes()).astype(int)


def test_pictures(tmp_path):
    video = make_video(tmp_path / "a.mp4", size=(320, 240))
    with MjpegCamera(10) as camera:
        text = f"cameras:\n  ../a/b: {{url: {video}, max_side: 160, mask: [{LEFT}]}}\n  cam: {camera.url}\n  a b: {camera.url}\n"
        drawn = check(tmp_path / "cameras.yaml", text, "--picture", str(tmp_path / "made" / "stills"))
        plain = check(tmp_path / "cameras.yaml", text, "--picture", str(tmp_path), "--no-outlines")
    assert [one["state"] for one in drawn] == ["ok"] * 3
    assert all(Path(one["picture"]).parent == tmp_path / "made" / "stills" for one in drawn)
    assert len({one["picture"] for one in drawn}) == 3
    assert Path(drawn[1]["picture"]).name == "cam.jpg"
    assert Path(drawn[0]["picture"]).stat().st_mode & 0o777 == 0o640
    masked, whole = shown(drawn[0]["picture"]), shown(plain[0]["picture"])
    assert masked.shape == whole.shape == (120, 160, 3)
    left, right = np.s_[10:110, 4:70], np.s_[10:110, 90:150]
    assert 0 < masked[left].mean() < 0.8 * whole[left].mean()  # dark and hatched, and one sees what is there
    assert np.abs(masked[right] - whole[right]).mean() < 4
    assert shown(drawn[1]["picture"]).shape == (120, 160, 3)


def test_a_picture_that_is_on_no_disk(tmp_path):
    (finding,) = check(tmp_path / "c.yaml", "cameras: {a: 'portraits:'}", "--picture", "-")
    head, _, picture = finding["picture"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert simplejpeg.decode_jpeg_header(base64.b64decode(picture))[1] == 1280
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_a_camera_that_fails_has_no_picture(tmp_path):
    (finding,) = check(tmp_path / "c.yaml", "cameras: {a: 'rtsp://u:hunter2@127.0.0.1:9/x'}", "--picture", str(tmp_path))
    assert (finding["state"], finding["picture"]) == ("failed", "")
    assert list(tmp_path.glob("*.jpg")) == []


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    ended = run("check", "--camera", "a=portraits:", "--picture", str(tmp_path / "file" / "x"))
    assert ended.returncode == 3
    assert f"cannot make the folder {tmp_path}/file/x: Not a directory" in ended.stderr


def test_a_list_that_is_only_read(tmp_path):
    findings = check(tmp_path / "c.yaml", "cameras: {a: 'rtsp://u:hunter2@127.0.0.1:9/x', b: /none.mp4}", "--no-open")
    assert [(one["name"], one["url"], one["state"]) for one in findings] == [
        ("a", "rtsp://u:***@127.0.0.1:9/x", "listed"),
        ("b", "/none.mp4", "listed"),
    ]
    (tmp_path / "c.yaml").write_text("cameras: {a: {url: /x, fps: 0}}")
    ended = run("check", "--no-open", "--cameras", str(tmp_path / "c.yaml"))
    assert (ended.returncode, "fps must be a number" in ended.stderr) == (2, True)
    assert run("check", "--no-open", "--camera", "a=portraits:", "--picture", str(tmp_path)).returncode == 2


def test_the_schema_is_that_of_the_settings():
    schema = json.loads(run("schema").stdout)
    _, camera = schema["properties"]["cameras"]["additionalProperties"]["oneOf"]
    said = camera["properties"]
    assert set(said) == {"url", "url_file", *SETTING_NAMES}
    for name, (least, most) in RANGES.items():
        numbers = said[name].get("anyOf", [said[name]])[0]
        assert (numbers["minimum"], numbers["maximum"]) == (least, most)
    defaults = {name: said[name]["default"] for name in SETTING_NAMES}
    assert defaults == {name: [] if name == "mask" else getattr(CameraSettings(), name) for name in SETTING_NAMES}
    assert said["mask"]["items"]["items"]["prefixItems"] == [{"type": "number", "minimum": 0, "maximum": 1}] * 2
