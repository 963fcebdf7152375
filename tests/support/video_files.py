"""Videos and cameras for tests: shared files, files made on the spot, a real RTSP server, and how to wait."""

import os
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import av
import numpy as np
import pytest

from tests.support.paths import DATA
from tests.support.patience import PATIENCE

#: The system's Python: GStreamer's bindings are packages of the system, not of a virtual environment.
SYSTEM_PYTHON = "/usr/bin/python3"

#: Of a picture of 160x120, clockwise.
QUARTER_TURN = (0, 1, 0, -1, 0, 0, 120, 0, 0x4000)
HALF_TURN = (-1, 0, 0, 0, -1, 0, 160, 120, 0x4000)


def skip_or_fail(reason: str) -> NoReturn:
    """A laptop may lack what a test needs; the CI must not."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def shared_video(name: str) -> Path:
    """A video of the project's shared folder, which FER_DATA_DIR replaces."""
    shared = DATA
    path = shared / "video" / name
    if not path.exists():
        skip_or_fail(f"no {path}: set FER_DATA_DIR to the folder that holds video/")
    return path


def need_gstreamer() -> None:
    """A test that goes on has GStreamer's RTSP server in the system's Python."""
    if subprocess.run([SYSTEM_PYTHON, "-c", _HAS_GSTREAMER], capture_output=True, check=False).returncode:
        skip_or_fail("no GStreamer RTSP server: `make test-tools` as root brings it")


def make_video(
    path: Path,
    *,
    frames: int = 30,
    fps: int | Fraction = 10,
    ticks: Sequence[int] | None = None,
    size: tuple[int, int] = (160, 120),
    codec: str = "libx264",
    patch: bool = False,
) -> Path:
    """A video in which every frame differs; with a white patch at the top left if asked.

    `ticks` says when each frame is shown, in 1 / `fps` seconds; without it they are evenly spaced.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = 1 / Fraction(fps)
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), number * 7 % 256, np.uint8)
            picture[:, : size[0] // 2] = (number * 31 % 256, 90, 200)
            if patch:
                picture[:40, :40] = 255
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = ticks[number] if ticks else number, 1 / Fraction(fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn_video(path: Path, matrix: Sequence[int]) -> Path:
    """Write into an MP4 file of `make_video` how to turn its picture, as phones do."""
    video, identity = path.read_bytes(), struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 0x40000000)
    place = video.index(identity, video.index(b"tkhd"))
    path.write_bytes(video[:place] + struct.pack(">9i", *(65536 * value for value in matrix)) + video[place + 36 :])
    return path


def wait_until(true: Callable[[], object], *, within_s: float, what: str) -> float:
    """Wait until `true()`, at most `within_s` on a machine of usual speed; returns the seconds that took."""
    start = time.monotonic()
    while not true():
        if time.monotonic() - start > within_s * PATIENCE:
            pytest.fail(f"not within {within_s:g} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - start


class RtspServer:
    """tests/support/rtsp_server.py as a process; `port` stays the same over `kill` and `start`."""

    def __init__(self, files: dict[str, Path] | None = None, *, user: str = "", password: str = "") -> None:
        need_gstreamer()
        self.port = 0
        self._arguments = [f"{name}={path}" for name, path in (files or {}).items()]
        if user:
            self._arguments += [f"--user={user}", f"--password={password}"]
        self.start()

    def url(self, name: str, credentials: str = "") -> str:
        return f"rtsp://{credentials and credentials + '@'}127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        command = [SYSTEM_PYTHON, str(script), f"--port={self.port}", *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        assert words[:1] == ["ready"], "the RTSP server did not start"
        self.port = int(words[1])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def freeze(self) -> None:
        """It keeps its connections and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()


_HAS_GSTREAMER = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
