"""Files and network sources through FFmpeg: pace, loops, and one clear line for everything that can be wrong."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import pytest
import simplejpeg

from ferstream.producer.config.camera_config import CameraSettings
from ferstream.producer.config.camera_url import kind_of
from ferstream.producer.encoder import JpegEncoder
from ferstream.producer.errors import CameraError, CameraStalled
from ferstream.producer.sources.source import MediaTime, Source
from ferstream.producer.sources.video import VideoSource
from tests.support.patience import PATIENCE
from tests.support.video_files import HALF_TURN, QUARTER_TURN, make_video, turn_video


@contextmanager
def opened(url: str, **settings: object) -> Iterator[Source]:
    source = VideoSource(str(url), kind_of(str(url)), CameraSettings(**settings), threading.Event())
    try:
        source.open()
        yield source
    finally:
        source.close()


def problem_of(url: str, **settings: object) -> str:
    with pytest.raises(CameraError) as caught, opened(url, **settings) as source:
        list(source.frames())
    text = str(caught.value)
    assert "\n" not in text
    assert "hunter2" not in text
    return text


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def web(folder: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_file_plays_by_its_own_clock(tmp_path):
    path = make_video(tmp_path / "a.mp4", frames=15, fps=15)
    start = time.monotonic()
    with opened(path) as source:
        assert len(list(source.frames())) == 15
    assert 0.85 < time.monotonic() - start < 2.0 * PATIENCE


def test_as_fast_as_possible(tmp_path):
    path = make_video(tmp_path / "a.mkv", frames=100, fps=10)
    start = time.monotonic()
    with opened(path, realtime=False) as source:
        assert len(list(source.frames())) == 100
    assert time.monotonic() - start < 5 * PATIENCE


def test_a_loop_begins_again_and_its_media_time_goes_on(tmp_path):
    path = make_video(tmp_path / "a.mp4", frames=10)
    with opened(path, realtime=False, loop=True) as source:
        frames = source.frames()
        times = [next(frames).media_time for _ in range(35)]
    assert times == pytest.approx([number / 10 for number in range(35)])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("loop", [False, True])
def test_media_time_of_29_97_frames_a_second(tmp_path, name, loop):
    """A transport stream's own stamps begin at 1.4 s, Matroska's are whole milliseconds."""
    rate = Fraction(30000, 1001)
    path = make_video(tmp_path / name, frames=60, fps=rate)
    with opened(path, realtime=False, loop=loop) as source:
        times = [frame.media_time for frame in islice(source.frames(), 90)]
    assert len(times) == (90 if loop else 60)
    assert times == pytest.approx([float(number / rate) for number in range(len(times))], abs=0.0011)


def test_media_time_is_the_files_own_where_its_rate_changes(tmp_path):
    """Ten frames 0.1 s apart, then ten that are half a second apart."""
    ticks = [*range(10), *range(14, 60, 5)]
    path = make_video(tmp_path / "a.mkv", frames=20, ticks=ticks)
    with opened(path, realtime=False) as source:
        assert [frame.media_time for frame in source.frames()] == pytest.approx([tick / 10 for tick in ticks])


def test_media_time_grows_whatever_the_stamps_do():
    media = MediaTime(0.1)
    stamps = [1.4, 1.5, None, 1.7, 0.0, 0.1, 0.1, None, 9.0]
    assert [media.at(stamp) for stamp in stamps] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 9.4])


def test_wrong_files(tmp_path):
    assert problem_of(tmp_path / "none.mp4") == "no such file"
    (tmp_path / "empty.mp4").touch()
    assert problem_of(tmp_path / "empty.mp4") == "no video that FFmpeg can read"
    whole = make_video(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "no_index.mp4").write_bytes(whole[: len(whole) // 2])
    assert problem_of(tmp_path / "no_index.mp4") == "no video that FFmpeg can read"
    (tmp_path / "odd.mp4").write_bytes(whole.replace(b"avc1", b"zzz9"))
    assert problem_of(tmp_path / "odd.mp4") == "its codec is not in this FFmpeg"
    assert problem_of("webcam:63") == "no such webcam: is it plugged in?"


def test_a_truncated_file_gives_the_frames_it_has(tmp_path):
    whole = make_video(tmp_path / "whole.mkv", frames=60).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    with opened(tmp_path / "cut.mkv", realtime=False) as source:
        assert 10 < sum(1 for _ in source.frames()) < 60


@pytest.mark.parametrize(
    ("matrix", "size", "corner"),
    [
        (QUARTER_TURN, (120, 160), (5, -5)),
        (HALF_TURN, (160, 120), (-5, -5)),
        ((0, -1, 0, 1, 0, 0, 0, 160, 0x4000), (120, 160), (-5, 5)),
    ],
)
def test_phone_videos_stand_upright(tmp_path, matrix, size, corner):
    """A white patch at the top left of the stored picture goes where the file's matrix says."""
    path = turn_video(make_video(tmp_path / "a.mp4", frames=2, patch=True), matrix)
    with opened(path) as source:
        encoded = JpegEncoder(640, 95).encode(next(iter(source.frames())).picture)
    picture = simplejpeg.decode_jpeg(encoded.jpeg)
    assert (encoded.width, encoded.height) == size == picture.shape[1::-1]
    assert [picture[y, x].min() > 230 for y, x in ((5, 5), (5, -5), (-5, 5), (-5, -5))] == [
        place == corner for place in ((5, 5), (5, -5), (-5, 5), (-5, -5))
    ]


def test_http(tmp_path):
    make_video(tmp_path / "a.mp4", frames=10, fps=30)
    (tmp_path / "page.html").write_text("<html><body>Sign in, please.</body></html>")
    with web(tmp_path) as port:
        with opened(f"http://127.0.0.1:{port}/a.mp4") as source:
            assert len(list(source.frames())) == 10
        assert problem_of(f"http://u:hunter2@127.0.0.1:{port}/page.html") == "no video that FFmpeg can read (a web page?)"
        assert problem_of(f"http://u:hunter2@127.0.0.1:{port}/none") == "there is no such stream on the server (404)"


def test_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert problem_of(f"rtsp://u:hunter2@127.0.0.1:{port}/x") == "connection refused: nothing listens on that port"
    assert problem_of("rtsp://u:hunter2@camera.invalid/x") == "its host name does not resolve"
    assert problem_of("rtsp://u:a@b@camera.invalid/x").startswith("its host name does not resolve (is an @")


def test_silence_is_noticed(tmp_path):
    """A server that sends half a video and then nothing: a blocked read has to come back."""
    video = make_video(tmp_path / "a.ts", frames=60, codec="mpeg2video", size=(320, 240)).read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection = server.accept()[0]
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + video)
            done.wait(10)
            connection.close()

        done = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        start = time.monotonic()
        try:
            with (
                pytest.raises(CameraStalled, match=r"no frame for 1 s"),
                opened(f"http://127.0.0.1:{server.getsockname()[1]}/a.ts", stall_after_s=1.0, realtime=False) as source,
            ):
                list(source.frames())
        finally:
            done.set()
            thread.join()
        assert time.monotonic() - start < 6 * PATIENCE
