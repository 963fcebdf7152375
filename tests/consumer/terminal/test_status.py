"""`fer status` and the hint of `fer-consumer tail`, as processes on a real Redis."""

import json
import time
from dataclasses import asdict, replace

import msgpack
import pytest

from ferstream.consumer.terminal import tail
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.worker_status import WorkerStatus
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.support.fleet import server_now, wait_until
from tests.support.patience import PROCESS_S
from tests.support.programs import run, start

WORKER = WorkerStatus(name="w", state="ready", device="cpu", runtime="openvino", precision="f32", models={"detector": "ssd"})


def write(client, prefix: str = "fer", cameras: tuple[str, ...] = ("door",), workers: tuple[str, ...] = ("w",)) -> None:
    """What a producer and workers would write, good for a minute."""
    keys, then = Keys(prefix), server_now(client) + 60
    live = CameraStatus(camera_id="door", state="live", url="x", updated_at=then, last_frame_at=then, frames_per_second=5.0)
    for name in cameras:
        client.hset(keys.cameras, name, msgpack.packb(asdict(replace(live, camera_id=name))))
    for name in workers:
        client.hset(keys.workers, name, msgpack.packb(asdict(replace(WORKER, name=name, updated_at=then))))


def test_all_is_well_is_said_in_plain_lines_and_status_0(client, redis_url):
    write(client)
    done = run("fer", "status", "--redis", redis_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nAll is well.\n")
    assert "\x1b" not in done.stdout
    for word in ("Redis", "noeviction", "captured 0, balances", "door", "live", "openvino"):
        assert word in done.stdout


def test_what_is_wrong_is_said_and_status_1(client, redis_url):
    done = run("fer", "status", "--redis", redis_url)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "  - no camera has written anything: start fer-producer run"


def test_json_is_one_object_with_everything(client, redis_url):
    write(client, workers=())
    done = run("status", "--json", "--redis", redis_url)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert (said["well"], said["account"]["balance"], said["cameras"][0]["silent_since"]) == (False, 0, None)
    assert [problem["what"] for problem in said["problems"]] == ["no worker reads the frames"]
    assert said["topics"][said["problems"][0]["topic"]]["title"] == "No worker reads the frames"


def test_another_prefix_is_found(client, redis_url):
    write(client, cameras=())
    write(client, prefix="cam", workers=())
    done = run("status", "--redis", redis_url)
    assert "workers read prefix fer, cameras write to cam: give both the same --prefix" in done.stdout
    other = run("status", "--redis", redis_url, "--prefix", "cam")
    assert "workers read prefix fer, cameras write to cam: give both the same --prefix" in other.stdout


def test_without_redis_it_is_one_line_and_status_3():
    done = run("status", "--redis", "redis://someone:s3cr3t@127.0.0.1:1/0")
    assert done.returncode == 3
    assert done.stderr.startswith("Error: no answer from Redis: ")
    assert len(done.stderr.splitlines()) == 1
    assert "s3cr3t" not in done.stderr + done.stdout


def test_wrong_usage_is_status_2():
    assert run("status", "--nonsense").returncode == 2


def test_a_user_with_few_rights_sees_what_it_may(client, redis_url):
    write(client)
    rights = "~fer:cameras ~fer:shards -@all +time +get +hgetall"
    client.execute_command("ACL", "SETUSER", "someone", "reset", "on", ">s3cr3t", *rights.split())
    done = run("status", "--redis", redis_url.replace("unix://", "unix://someone:s3cr3t@"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "not seen: this user has no right to it" in done.stdout
    assert "door" in done.stdout


def test_a_cluster_is_seen_too(cluster):
    with connect(cluster.url) as client:
        write(client)
    done = run("status", "--redis", cluster.url)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_watching_goes_on(client, redis_url):
    write(client)
    watch = start("status", "--watch", "--json", "--redis", redis_url)
    try:
        first, second = (json.loads(watch.stdout.readline()) for _ in range(2))
        assert second["at"] > first["at"]
    finally:
        watch.kill()
        watch.communicate()


def test_tail_says_what_is_missing_and_goes_on(client, redis_url):
    write(client, workers=())
    tail = start("consumer", "tail", "--redis", redis_url, "--idle-timeout", "8")
    said, errors = tail.communicate(timeout=PROCESS_S)
    assert (tail.returncode, said) == (0, "")
    assert errors == "no line for 5 s:\n  - no worker reads the frames: start fer-worker run\n"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(tail, "PATIENCE_S", 0.1)
    monkeypatch.setattr(tail, "BETWEEN_LOOKS_S", 0.1)


@pytest.mark.parametrize(
    ("cameras", "line"),
    [
        ([], "nothing seems wrong: `fer status` has the figures"),
        (["yard"], "no camera is called yard: there are door"),
    ],
)
def test_a_hint_is_given_once(client, redis_url, impatient, capsys, cameras, line):
    write(client)
    with tail.SilenceHint(redis_url, "fer", cameras, False) as hint:
        wait_until(lambda: not hint._thread.is_alive())
    assert capsys.readouterr().err == f"no line for 0.1 s:\n  - {line}\n"


def test_a_hint_names_a_redis_that_is_away(impatient, capsys):
    with tail.SilenceHint("redis://u:s3cr3t@127.0.0.1:1", "fer", [], False) as hint:
        wait_until(lambda: not hint._thread.is_alive())
    told = capsys.readouterr().err
    assert "no answer from Redis" in told
    assert "s3cr3t" not in told


def test_a_quiet_camera_after_a_line_is_no_news(client, redis_url, impatient, capsys):
    write(client)
    with tail.SilenceHint(redis_url, "fer", [], False) as hint:
        hint.line()
        time.sleep(0.6)
        assert hint._thread.is_alive()
    assert capsys.readouterr().err == ""
