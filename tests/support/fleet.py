"""Real worker processes for tests, and frames to feed them."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from functools import cache
from pathlib import Path

import redis
import simplejpeg
from skimage import data

from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.wire.codec import decode_result, encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader, Result
from tests.support.patience import PATIENCE, PROCESS_S

KEYS = Keys()


@cache
def portrait_jpeg(quality: int = 85) -> bytes:
    """Eileen Collins's portrait, 512x512, which scikit-image ships."""
    return simplejpeg.encode_jpeg(data.astronaut(), quality=quality)


def frame(sequence: int, picture: bytes, captured_at: float, freshness_s: float = 60.0, camera: str = "test", **header) -> Frame:
    fields = {"width": 512, "height": 512} | header
    return Frame(
        FrameHeader(camera_id=camera, sequence=sequence, captured_at=captured_at, deadline=captured_at + freshness_s, **fields),
        picture,
    )


def add(client: "redis.Redis", one: Frame) -> bytes:
    return client.xadd(KEYS.frames(0), encode_frame(one))


def server_now(client: "redis.Redis") -> float:
    clock = ServerClock()
    clock.set_from(client)
    return clock.now()


def results(client: "redis.Redis") -> list[Result]:
    return [decode_result(entry_id.decode(), fields) for entry_id, fields in client.xrange(KEYS.results(0))]


def wait_until(condition, patience_s: float = 30.0):
    """The condition's first true value; fails after `patience_s`, on a machine of usual speed."""
    until = time.monotonic() + patience_s * PATIENCE
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {patience_s} s")


class WorkerProcess:
    """One `fer-worker run`, as a context; without `url` the arguments say where Redis is. `totals` are its last words."""

    def __init__(self, url: str | None, *arguments: str, log: Path, module: str = "ferstream.workers.cli") -> None:
        self.log = log
        self._output = log.open("w")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                module,
                "run",
                *(["--redis", url] if url else []),
                "--json",
                "--metrics-port",
                "0",
                "--threads",
                "1",
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=self._output,
            text=True,
        )
        self.totals: dict = {}

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._output.close()

    @property
    def port(self) -> int:
        line = wait_until(lambda: next((line for line in self.log.read_text().splitlines() if "metrics on port" in line), None))
        return int(line.split()[-1])

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait_until_ready(self) -> "WorkerProcess":
        wait_until(lambda: self.process.poll() is not None or self.get("/readyz")[0] == 200, 60)
        assert self.process.poll() is None, self.log.read_text()
        return self

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=PROCESS_S)
        self.totals = json.loads(said) if said.strip() else {}
        return self.process.returncode
