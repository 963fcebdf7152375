"""fer-producer as a process: signals, exit statuses, the environment."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.producer.test_fleet import frames_in, status_of
from tests.support.patience import PROCESS_S
from tests.support.video_files import make_video, wait_until

PROGRAM = [sys.executable, "-c", "from ferstream.producer.cli import main; main()"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=PROCESS_S, env=os.environ | environment, check=False
    )


class Running:
    """A producer at work, its log in a file."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [*PROGRAM, "run", "--metrics-port", "0", *arguments], stdout=subprocess.PIPE, stderr=file, text=True
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def page(self, path: str) -> tuple[int, str]:
        port = re.findall(r"readiness on port (\d+)", self.log)[0]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=PROCESS_S)
        return self.process.returncode, output


@contextmanager
def running(log: Path, *arguments: str) -> Iterator[Running]:
    producer = Running(log, *arguments)
    try:
        yield producer
    finally:
        if producer.process.poll() is None:
            producer.process.kill()
        producer.process.communicate()


def test_sigterm_ends_clean(redis_url, tmp_path):
    with running(tmp_path / "log", "--redis", redis_url, "--camera", "p=portraits:", "--json") as producer:
        wait_until(lambda: len(frames_in(redis_url)) >= 10, within_s=15, what="frames")
        assert producer.page("healthz") == (200, "ok\n")
        assert producer.page("readyz") == (200, "ok\n")
        page = producer.page("metrics")[1]
        status, output = producer.end()
    assert status == 0
    sums = json.loads(output)
    assert sums["captured"] == len(frames_in(redis_url)) + sum(sums["dropped"].values())
    assert status_of(redis_url, "p").state == "ended"
    assert "Traceback" not in producer.log
    assert producer.log.count("camera p is live: 1280x720 at 15 frames/s") == 1
    for name in (
        'fer_frames_captured_total{camera="p"}',
        'fer_frames_written_total{camera="p"}',
        'fer_camera_last_frame_timestamp_seconds{camera="p"}',
        'fer_camera_waiting_bytes{camera="p"}',
        "fer_clock_skew_seconds",
        'fer_stage_duration_seconds_bucket{le="0.005",stage="encode"}',
        'fer_stage_duration_seconds_count{stage="write"}',
        'fer_build_info{program="fer-producer"',
    ):
        assert name in page


def test_sighup_reads_the_cameras_again(redis_url, tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras:\n  a: 'portraits:'\n  b: 'portraits:'\n")
    with running(tmp_path / "log", "--redis", redis_url, "--cameras", str(file), "--no-camera-labels") as producer:
        wait_until(lambda: status_of(redis_url, "a") and status_of(redis_url, "b"), within_s=15, what="two cameras")
        file.write_text("cameras:\n  b: 'portraits:'\n  c: {url: 'portraits:', fps: 5}\n")
        producer.hang_up()
        wait_until(lambda: frames_in(redis_url, "c") and status_of(redis_url, "a") is None, within_s=10, what="c instead of a")
        file.write_text("cameras:\n  b: {url: 'portraits:', fsp: 3}\n")
        producer.hang_up()
        wait_until(lambda: "the cameras stay as they are" in producer.log, within_s=5, what="the mistake is told")
        assert "unknown key fsp (did you mean fps?)" in producer.log
        wait_until(lambda: (s := status_of(redis_url, "c")) and s.state == "live", within_s=5, what="c is still live")
        page = producer.page("metrics")[1]
        assert producer.end()[0] == 0
    assert producer.log.count("camera b: connecting") == 1
    assert 'fer_frames_captured_total{camera=""}' in page
    assert 'camera="b"' not in page


def test_a_redis_that_is_not_there_yet(tmp_path):
    with running(tmp_path / "log", "--redis", f"unix://:hunter2@{tmp_path}/none.sock", "--camera", "p=portraits:") as producer:
        wait_until(lambda: "is live" in producer.log, within_s=15, what="the camera is live")
        time.sleep(1.5)
        assert producer.page("readyz")[0] == 503
        assert producer.page("healthz")[0] == 200
        assert 'fer_frames_dropped_total{camera="p",reason="redis_down"}' in producer.page("metrics")[1]
        assert producer.end(signal.SIGINT)[0] == 0
    assert producer.log.count("no answer from Redis") == 1
    assert "hunter2" not in producer.log


def test_files_end_and_so_does_the_program(redis_url, tmp_path):
    video = make_video(tmp_path / "a.mkv", frames=50)
    ended = run(
        "run",
        "--as-fast-as-possible",
        "--json",
        "--metrics-port",
        "0",
        FER_PRODUCER_CAMERA=f"a={video}",
        FER_PRODUCER_REDIS=redis_url,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["cameras"]["a"] == {"captured": 50, "written": 50, "dropped": {}}
    assert len(frames_in(redis_url)) == 50
    failed = run("run", "--as-fast-as-possible", "--metrics-port", "0", "--redis", redis_url, "--camera", "a=/none.mp4")
    assert failed.returncode == 1
    assert "camera a ended: no such file" in failed.stderr


def test_check(tmp_path):
    video = make_video(tmp_path / "a.mp4")
    ended = run("check", "--json", "--camera", f"a={video}", "--camera", "b=rtsp://u:hunter2@127.0.0.1:9/x")
    assert ended.returncode == 1
    good, bad = json.loads(ended.stdout)
    known = {
        "name": "a",
        "url": str(video),
        "state": "ok",
        "size": "160x120",
        "fps": 10.0,
        "codec": "h264",
        "problem": "",
        "picture": "",
    }
    assert good == known | {"frames": 30}
    assert (bad["state"], bad["url"]) == ("failed", "rtsp://u:***@127.0.0.1:9/x")
    table = run("check", "--camera", f"a={video}")
    assert table.returncode == 0
    assert table.stdout.splitlines()[0].split() == ["NAME", "STATE", "SIZE", "FPS", "CODEC", "URL", "PROBLEM"]
    assert "hunter2" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "no camera: give --camera NAME=URL or --cameras cameras.yaml"),
        (["--camera", "rtsp://u:hunter2@h/x"], "--camera wants NAME=URL"),
        (["--camera", "a=portraits:", "--camera", "a=portraits:"], "two cameras are named a"),
        (["--cameras", "/none.yaml"], "cannot read /none.yaml: No such file or directory"),
        (["--camera", "a=portraits:", "--fps", "0"], "Invalid value for '--fps'"),
        (["--fsp", "3"], "No such option"),
    ],
)
def test_wrong_usage(arguments, told):
    ended = run("check", *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cameras:\n  a: 'rtsp://u:hunter2@h/x'\n  a: 'rtsp://u:hunter2@h/y'\n", "line 3: cameras has a twice"),
        ("cameras:\n  a: 'rtsp://u:hunter2/z@h/x'\n", "line 2: camera a: the URL has no host, or a port that is no number"),
        ("cameras:\n  a: 'rtsp://u:12/hunter2@h.local/x'\n", "camera a: the URL has an @ and a host behind its first /"),
        ("cameras:\n  a: 'rtsp://u:%hunter2@h/x'\n", "camera a: a % of the user or password begins no escape"),
        ("cameras:\n  a: {url_file: /run/secrets/none}\n", "camera a: cannot read /run/secrets/none: No such file"),
        ("cameras:\n  a: {url_file: empty}\n", "/empty is empty: its first line must be the camera's URL"),
    ],
)
def test_a_wrong_file_is_one_line_without_a_password(redis_url, tmp_path, text, told):
    (tmp_path / "empty").touch()
    (tmp_path / "cameras.yaml").write_text(text)
    ended = run("run", "--metrics-port=0", "--redis", redis_url, "--cameras", str(tmp_path / "cameras.yaml"))
    (line,) = ended.stderr.splitlines()
    assert told in line
    assert (ended.returncode, "hunter2" in line) == (2, False)


@pytest.mark.parametrize(
    ("written", "status", "told"),
    [
        (None, 2, "url: No such file or directory"),
        ("", 2, "url is empty: its first line must be the Redis URL"),
        ("redis://u:p/hunter2@host:6379/0", 3, "write @ / ? # %"),
    ],
)
def test_a_secret_that_is_none(tmp_path, written, status, told):
    if written is not None:
        (tmp_path / "url").write_text(written)
    ended = run("run", "--metrics-port=0", "--camera=a=portraits:", f"--redis-url-file={tmp_path}/url")
    assert ended.returncode == status
    assert told in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
