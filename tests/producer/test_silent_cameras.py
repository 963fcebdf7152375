"""Cameras that fall silent in the middle of a picture: they hold up nobody, neither at the end nor where the list changes."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.producer.test_cli import running
from tests.support.video_files import make_video, wait_until

#: What the server gives, and how many of them a decoder gives at least before it waits for more.
SENT, SEEN = 60, 50
SILENT = [f"silent-{number}" for number in range(8)]


@pytest.fixture
def silent_url(tmp_path):
    """Whoever asks gets a few frames, and then nothing, on a connection that stays."""
    video, over = make_video(tmp_path / "a.mkv", frames=SENT, fps=240).read_bytes(), threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(video)
            over.wait()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a.mkv"
        over.set()
        server.shutdown()
        thread.join()


def test_eight_silent_cameras_are_left_in_the_time_of_one(redis_url, silent_url, tmp_path):
    file, only = tmp_path / "cameras.yaml", "cameras:\n  p: 'portraits:'\n"
    file.write_text(only + "".join(f"  {name}: {{url: '{silent_url}', stall_after_s: 3600}}\n" for name in SILENT))
    with running(tmp_path / "log", "--redis", redis_url, "--cameras", str(file)) as producer:

        def all_hang(times: int) -> bool:
            page = producer.page("metrics")[1] if "readiness on port" in producer.log else ""
            captured = dict(re.findall(r'fer_frames_captured_total{camera="([^"]+)"} (\S+)', page))
            return all(float(captured.get(name, 0)) >= times * SEEN for name in SILENT)

        wait_until(lambda: all_hang(1), within_s=30, what="every frame that there is")
        everybody = file.read_text()
        file.write_text(only)
        producer.hang_up()
        wait_until(lambda: "cameras read again: 1" in producer.log, within_s=25, what="the others are left")
        assert producer.page("healthz") == (200, "ok\n")
        file.write_text(everybody)
        producer.hang_up()
        wait_until(lambda: all_hang(2), within_s=30, what="every frame once more")
        assert producer.end()[0] == 0  # within its 20 s
