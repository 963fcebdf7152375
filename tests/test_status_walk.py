"""A producer, a worker and Redis killed with SIGKILL, each in turn: `fer status` says what happened. And a producer that hung."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import read_statuses
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.fleet import KEYS, WorkerProcess, wait_until
from tests.support.patience import PROCESS_S
from tests.support.programs import command, environment, run


@contextmanager
def a_producer(url: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """One `fer-producer run` with the camera door."""
    words = ("run", "--redis", url, "--metrics-port", "0", "--camera", "door=portraits:", "--fps", "5")
    with log.open("w") as output:
        process = subprocess.Popen(command("producer", *words), stdout=output, stderr=output, env=environment())
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def status(url: str) -> tuple[int, str]:
    done = run("fer", "status", "--redis", url)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def says(url: str, code: int, *words: str) -> str:
    """Until `fer status` ends with the code and says all of the words."""

    def told() -> str | None:
        status_, text = status(url)
        return text if status_ == code and all(word in text for word in words) else None

    return wait_until(told, 60)


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


def test_whoever_is_killed_is_missed(server, tmp_path):
    url = server.url
    with (
        WorkerProcess(url, "--name=w", log=tmp_path / "worker").wait_until_ready() as worker,
        a_producer(url, tmp_path / "producer") as producer,
    ):
        says(url, 0, "All is well.", "door", "live", "ready")
        worker.process.kill()
        says(url, 1, "worker w (", "is silent since", "frames wait and no worker reads them: start fer-worker run")
        producer.kill()
        says(url, 1, "producer", "is silent since", "with camera 'door'")
        assert "silent" in run("consumer", "cameras", "--redis", url).stdout
        os.kill(server.pid, signal.SIGKILL)
        code, text = status(url)
        assert (code, len(text.splitlines())) == (3, 1)
        assert text.startswith("Error: no answer from Redis")


def test_of_two_producers_with_one_camera_name_one_writes_also_after_it_hung(redis_url, client, tmp_path):
    def holder() -> str:
        found = {one.state: one for one in read_statuses(client, KEYS.cameras, CameraStatus) if one.camera_id == "door"}
        return found["live"].holder if "live" in found else ""

    def held() -> list[str]:
        return [one.problem for one in read_statuses(client, KEYS.cameras, CameraStatus) if one.state == "held"]

    with a_producer(redis_url, tmp_path / "first") as first:
        wait_until(lambda: holder().endswith(f":{first.pid}"))
        with a_producer(redis_url, tmp_path / "second") as second:
            wait_until(held)
            assert held()[0].startswith(f"camera door is read by {holder()} since ")
            first.send_signal(signal.SIGSTOP)
            wait_until(lambda: holder().endswith(f":{second.pid}"))
            first.send_signal(signal.SIGCONT)
            wait_until(lambda: "it stops here" in (tmp_path / "first").read_text())
            wait_until(lambda: any(f":{second.pid} " in problem for problem in held()))
            second.send_signal(signal.SIGTERM)
            wait_until(lambda: holder().endswith(f":{first.pid}"))


def test_of_two_workers_with_one_name_one_works_also_after_it_hung(redis_url, client, tmp_path):
    with WorkerProcess(redis_url, "--name=w", log=tmp_path / "first").wait_until_ready() as first:
        first.process.send_signal(signal.SIGSTOP)
        with WorkerProcess(redis_url, "--name=w", log=tmp_path / "second").wait_until_ready() as second:
            first.process.send_signal(signal.SIGCONT)
            third = run("worker", "run", "--redis", redis_url, "--name=w", "--threads=1", "--metrics-port=0")
            assert third.returncode == 3
            assert f"Error: the name w is held by worker {os.uname().nodename}:{second.process.pid} since" in third.stderr
            assert first.process.wait(timeout=PROCESS_S) == 1
            assert (
                f"left because the name w is held by worker {os.uname().nodename}:{second.process.pid} since"
                in (tmp_path / "first").read_text()
            )
            assert client.hlen(KEYS.workers) == 1
            assert second.stop() == 0
            assert client.hlen(KEYS.workers) == 0
