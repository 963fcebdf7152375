"""The whole path with everything real: RTSP cameras, processes, Redis, subscribers."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.fleet import KEYS, WorkerProcess, results, wait_until
from tests.support.markers import needs_torch
from tests.support.patience import PATIENCE, PROCESS_S
from tests.support.programs import command, environment
from tests.support.video_files import RtspServer, shared_video


class Producer:
    """One `fer-producer run`, whose last words are the sums of its frames."""

    def __init__(self, url: str, *arguments: str, log: Path, module: str = "ferstream.producer.cli") -> None:
        self._output = log.open("w")
        command = [
            f"from {module} import main; main()",
            "run",
            "--redis",
            url,
            "--json",
            "--metrics-port",
            "0",
            *arguments,
        ]
        self.process = subprocess.Popen([sys.executable, "-c", *command], stdout=subprocess.PIPE, stderr=self._output, text=True)

    def __enter__(self) -> "Producer":
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._output.close()

    def stop(self) -> dict:
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> dict:
        said, _ = self.process.communicate(timeout=PROCESS_S)
        return json.loads(said)


def test_three_rtsp_cameras_give_results_and_outlive_their_server(redis_url, client, tmp_path):
    names = {"bird": "bird.mkv", "two": "two_people_head_pose.mp4", "walkers": "no_face_walkers.mp4"}
    with (
        RtspServer({name: shared_video(file) for name, file in names.items()}) as server,
        WorkerProcess(redis_url, "--threads", "2", log=tmp_path / "worker").wait_until_ready() as worker,
        Producer(
            redis_url,
            "--fps=5",
            *(f"--camera={name}={server.url(name)}" for name in names),
            log=tmp_path / "producer",
        ) as producer,
    ):

        def answered() -> set[str]:
            return {result.camera_id for result in results(client)}

        wait_until(lambda: answered() == set(names), 30)
        server.kill()
        time.sleep(2)
        client.delete(KEYS.results(0))
        server.start()
        back_at = time.monotonic()
        wait_until(lambda: answered() == set(names), 15)
        assert time.monotonic() - back_at < 10 * PATIENCE
        sums = producer.stop()
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0, 20)
        assert worker.stop() == 0
    ended = worker.totals["published"] + worker.totals["expired"] + worker.totals["dead"]
    assert sums["captured"] == ended + sum(sums["dropped"].values())


def answers_of(runtime: str, redis_url: str, client, tmp_path, name: str = "two_people_head_pose.mp4") -> list:
    """Results of every frame of a clip, by a worker of `runtime`, in the order of capture."""
    client.flushall()
    video = shared_video(name)
    with (
        WorkerProcess(redis_url, "--device=cpu", f"--runtime={runtime}", "--threads=2", log=tmp_path / runtime) as worker,
        Producer(redis_url, "--as-fast-as-possible", f"--camera=two={video}", log=tmp_path / "producer") as producer,
    ):
        sums = producer.wait()
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0, 90)
        assert worker.wait_until_ready().stop() == 0
    found = sorted(results(client), key=lambda result: result.sequence)
    assert sums["captured"] == sums["written"] == len(found) == worker.totals["published"]
    return found


@needs_torch
def test_workers_of_both_runtimes_agree_on_every_face_of_two_people(redis_url, client, tmp_path):
    ours, theirs = (answers_of(runtime, redis_url, client, tmp_path) for runtime in ("openvino", "torch"))
    assert sum(len(result.faces) >= 2 for result in ours) >= 0.95 * len(ours)
    for one, other in zip(ours, theirs, strict=True):
        pairs = zip(sorted(one.faces, key=lambda face: face.box), sorted(other.faces, key=lambda face: face.box), strict=True)
        for face, same in pairs:
            assert face.emotion == same.emotion
            assert face.box == pytest.approx(same.box, abs=1.0)
            # The same crop differs by less (workers/test_models.py); here a box may round to the next pixel and move the crop.
            assert face.probabilities == pytest.approx(same.probabilities, abs=0.1)


@pytest.mark.slow
def test_people_seen_from_behind_have_less_than_a_false_face_a_minute(redis_url, client, tmp_path):
    found = answers_of("openvino", redis_url, client, tmp_path, "no_face_walkers.mp4")
    minutes = len(found) / 10 / 60  # ten frames a second
    assert minutes > 2
    assert sum(len(result.faces) for result in found) < minutes


def test_the_demo_balances_and_names_the_astronaut_happy():
    done = subprocess.run(
        [*command("demo"), "--seconds", "4", "--json"], capture_output=True, text=True, timeout=PROCESS_S, check=False
    )
    assert done.returncode == 0, done.stderr
    *lines, summary = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert summary["balance"] == 0
    assert summary["faces"] > 20
    assert set(summary["latency_s"]) == {"p50", "p95", "p99"}
    assert re.search(r"^page +\| the page is at http://127\.0\.0\.1:\d+/$", done.stderr, re.MULTILINE)
    assert {result["camera_id"] for result in lines} == {"demo-1", "demo-2", "demo-3", "demo-4"}
    smiles = [face for result in lines for face in result["faces"] if face["emotion"] == "happiness"]
    assert len(smiles) >= 0.8 * len(lines)


def test_ctrl_c_ends_a_running_demo_with_its_account_and_its_parts_log_as_it_does(tmp_path):
    words = ("--forever", "--json", "-vvv", "--log-format", "json")
    with (tmp_path / "log").open("w") as log:
        demo = subprocess.Popen(command("demo", *words), stdout=subprocess.PIPE, stderr=log, text=True, env=environment())
        try:
            assert demo.stdout.readline().startswith("{")
            demo.send_signal(signal.SIGINT)
            said, _ = demo.communicate(timeout=PROCESS_S)
        finally:
            demo.terminate()  # its parts end with it
            demo.wait(timeout=PROCESS_S)
    assert demo.returncode == 0
    assert json.loads(said.splitlines()[-1])["balance"] == 0
    logged = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["message"] for line in logged if line.get("part") == "up"][-1] == "Stopping ..."
    assert {("ferstream.producer", "debug"), ("ferstream.workers", "debug")} <= {
        (".".join(line["logger"].split(".")[:2]), line["level"]) for line in logged
    }


def test_the_demo_tells_when_the_camera_is_not_there():
    done = subprocess.run(
        [*command("demo"), "--camera", "rtsp://u:hidden@127.0.0.1:9/none", "--patience", "5"],
        capture_output=True,
        text=True,
        timeout=PROCESS_S,
        check=False,
    )
    assert done.returncode == 3
    assert "no result within" in done.stderr
    assert "hidden" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
