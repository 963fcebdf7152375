"""The test camera of the demo profile: its clip and its RTSP server, as FFmpeg sees them."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest

from tests.support.deploy.deployed_redis import DEPLOY
from tests.support.patience import PROCESS_S
from tests.support.video_files import SYSTEM_PYTHON, need_gstreamer

SERVE = DEPLOY / "test_camera" / "serve.py"
SECONDS = 2


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    subprocess.run([sys.executable, DEPLOY / "test_camera" / "make_clip.py", path, str(SECONDS)], check=True)
    return path


@pytest.fixture(scope="module")
def url(clip: Path) -> Iterator[str]:
    """The camera's URL on this machine."""
    need_gstreamer()
    command = [SYSTEM_PYTHON, SERVE, clip, "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(PROCESS_S) == 0, "SIGTERM ends it in order"


def test_the_clip_is_what_a_camera_sends(clip):
    with av.open(str(clip)) as file:
        pictures = list(file.decode(video=0))
    assert len(pictures) == SECONDS * 15
    assert (pictures[0].width, pictures[0].height) == (1280, 720)


def test_the_clip_goes_on_at_its_end_as_time_does(url):
    times = []
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=20) as stream:
        for picture in stream.decode(video=0):
            if picture.time is not None:
                times.append(picture.time)
            if len(times) > 2.5 * SECONDS * 15:
                break
    steps = [after - before for before, after in pairwise(times)]
    assert all(step == pytest.approx(1 / 15, abs=0.002) for step in steps), "no jump, also not where the clip begins anew"


def test_a_missing_clip_is_one_clear_line():
    need_gstreamer()
    done = subprocess.run([SYSTEM_PYTHON, SERVE, "/none.mkv"], capture_output=True, text=True, check=False, timeout=PROCESS_S)
    assert done.returncode == 1
    assert done.stderr == "there is no clip /none.mkv: make_clip.py makes it\n"
