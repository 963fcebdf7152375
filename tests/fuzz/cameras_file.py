"""cameras.yaml: whatever stands in it, it is cameras or a ConfigError of one line that shows no password."""

import tempfile
from pathlib import Path

import atheris

from tests.fuzz.driver import fuzz

with atheris.instrument_imports(include=["ferstream.producer.config"]):
    from ferstream.producer.config.camera_config import CameraSettings
    from ferstream.producer.config.cameras_file import read_cameras_file
    from ferstream.producer.errors import ConfigError

FILE = Path(tempfile.mkdtemp(prefix="fer-fuzz-")) / "cameras.yaml"
SECRET = "hunter2"


def target(data: bytes) -> None:
    FILE.write_bytes(data)
    try:
        cameras = read_cameras_file(FILE, CameraSettings())
    except ConfigError as error:
        # A key or a camera's name may be in it. What stands behind `user:` and before @ may not.
        said = str(error)
    else:
        said = " ".join(camera.shown_url for camera in cameras)
    if f":{SECRET}@" in said:
        raise AssertionError(f"the password is shown: {said}")


EXAMPLES = (
    b"cameras:\n  door: rtsp://user:hunter2@10.0.0.7/stream\n  hall:\n    url: 'portraits:'\n    fps: 10\n    max_side: 960\n",
    b"cameras: {a: {url: http://u:hunter2@h:80/x?token=1, realtime: true, loop: no, freshness_s: 2.5}}\n",
    b"cameras:\n  a: &x file:///tmp/a.mp4\n  b: *x\n  c: {<<: {url: webcam:0}, jpeg_quality: 0x10}\n",
    b"cameras:\n  a: {url_file: url, budget_bytes: 1e6}\n  b: !!python/object:os.system {}\n  c: 2026-01-01\n",
    b"cameras:\n",
)

if __name__ == "__main__":
    fuzz("cameras_file", target, EXAMPLES)
