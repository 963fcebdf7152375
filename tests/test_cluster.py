"""A fleet on a Redis Cluster of three primaries, with everything real: while a slot moves, and while a primary dies."""

import threading
import urllib.request
from collections import Counter

import pytest

from ferstream import ResultSubscriber
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.support.fleet import WorkerProcess, wait_until
from tests.support.programs import run
from tests.support.redis_cluster import RedisCluster
from tests.support.video_files import make_video
from tests.test_path import Producer

KEYS = Keys(shards=6)
#: One camera a shard, in the order of the shards.
CAMERAS = [next(name for name in (f"camera-{n}" for n in range(99)) if KEYS.shard_of(name) == shard) for shard in range(6)]
MOVED_SHARD, MOVED_SLOT = 3, 1584
FRAMES_PER_SECOND = 15


@pytest.fixture
def cluster():
    with RedisCluster() as cluster:
        yield cluster


class Listener:
    """Counts the results of each camera while it lives."""

    def __init__(self, url: str) -> None:
        self.seen: Counter[str] = Counter()
        self._subscriber = ResultSubscriber(url, from_="0", shards=6, block_s=0.1)
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._leave.set()
        self._thread.join()
        self._subscriber.close()

    def _run(self) -> None:
        for batch in self._subscriber.batches():
            self.seen.update(delivery.result.camera_id for delivery in batch)
            if self._leave.is_set():
                return


def worker(cluster, tmp_path, name) -> WorkerProcess:
    return WorkerProcess(cluster.url, "--shards=6", f"--name={name}", log=tmp_path / name)


def producer(cluster, tmp_path) -> Producer:
    video = make_video(tmp_path / "clip.mp4", frames=4 * FRAMES_PER_SECOND, fps=FRAMES_PER_SECOND)
    cameras = [f"--camera={name}={video}" for name in CAMERAS]
    settings = ["--loop", "--freshness=20", "--shards=6"]
    return Producer(cluster.url, *settings, *cameras, log=tmp_path / "producer")


def captured(log) -> int:
    """Frames that the producer had from its cameras so far."""
    port = next(int(line.split()[-1]) for line in log.read_text().splitlines() if "readiness on port" in line)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return int(sum(float(line.split()[-1]) for line in lines if line.startswith("fer_frames_captured_total{")))


def in_flight(client) -> int:
    return sum(client.xlen(KEYS.frames(shard)) for shard in range(6))


def ended_by(*workers: WorkerProcess) -> int:
    return sum(each.totals[how] for each in workers for how in ("published", "expired", "dead"))


def test_the_account_balances_over_three_primaries_while_a_slot_moves(cluster, tmp_path):
    old, new = cluster.port_of(KEYS.frames(MOVED_SHARD)), cluster.ports[1]
    with (
        connect(cluster.url) as client,
        Listener(cluster.url) as listener,
        worker(cluster, tmp_path, "one").wait_until_ready() as one,
        worker(cluster, tmp_path, "two").wait_until_ready() as two,
        producer(cluster, tmp_path) as cameras,
    ):
        wait_until(lambda: set(listener.seen) == set(CAMERAS))
        for shard in range(6):
            with cluster.node(cluster.port_of(KEYS.frames(shard))) as node:
                assert node.xinfo_stream(KEYS.frames(shard))["last-generated-id"] != b"0-0"
        assert {cluster.port_of(KEYS.frames(shard)) for shard in range(6)} == set(cluster.ports)
        cluster.move_slot(MOVED_SLOT, old, new)
        before = listener.seen[CAMERAS[MOVED_SHARD]]
        wait_until(lambda: listener.seen[CAMERAS[MOVED_SHARD]] > before + 5)
        wait_until(lambda: captured(tmp_path / "producer") >= 600, 90)
        sums = cameras.stop()
        wait_until(lambda: in_flight(client) == 0)
        assert (one.stop(), two.stop()) == (0, 0)
        published, repeated = (one.totals[how] + two.totals[how] for how in ("published", "repeated"))
        wait_until(lambda: listener.seen.total() >= published, 5)
    # A result of a frame that its producer had just withdrawn is out all the same.
    assert listener.seen.total() <= published + repeated
    assert sums["captured"] >= 600
    assert sums["captured"] == ended_by(one, two) + sum(sums["dropped"].values())
    assert not {"redis_down", "redis_lost", "error"} & set(sums["dropped"])


def test_when_a_primary_dies_the_others_go_on_and_it_comes_back(cluster, tmp_path):
    port = cluster.ports[0]
    lost = {name for shard, name in enumerate(CAMERAS) if cluster.port_of(KEYS.frames(shard)) == port}
    kept = set(CAMERAS) - lost
    with (
        connect(cluster.url) as client,
        Listener(cluster.url) as listener,
        worker(cluster, tmp_path, "one").wait_until_ready() as one,
        producer(cluster, tmp_path) as cameras,
    ):
        wait_until(lambda: set(listener.seen) == set(CAMERAS))
        cluster.kill(port)
        before = listener.seen.copy()
        wait_until(lambda: all(listener.seen[name] > before[name] + 20 for name in kept))
        assert one.get("/readyz")[0] == one.get("/healthz")[0] == 200
        seen = run("status", "--redis", cluster.url)
        assert seen.returncode == 1
        assert "a part of Redis is away (" in seen.stdout
        told = [line for line in one.log.read_text().splitlines() if f"127.0.0.1:{port}" in line and "shard 3: " in line]
        assert len(told) == 1
        before = listener.seen.copy()
        cluster.start(port)
        wait_until(lambda: all(listener.seen[name] > before[name] + 5 for name in lost))
        sums = cameras.stop()
        wait_until(lambda: in_flight(client) == 0)
        metrics = one.get("/metrics")[1]
        assert one.stop() == 0
    assert "Traceback" not in one.log.read_text() + (tmp_path / "producer").read_text()
    for name in CAMERAS:
        ended = sum(int(count_of(metrics, f'fer_frames_{how}_total{{camera="{name}"}}')) for how in ("published", "expired"))
        account = sums["cameras"][name]
        excess = ended + sum(account["dropped"].values()) - account["captured"]
        if name in kept:
            assert excess == 0
            assert not {"redis_down", "redis_lost"} & set(account["dropped"])
        else:
            # What was answered after the producer's last look, up to a second before the crash, it counts as lost too.
            assert 0 <= excess <= 2 * FRAMES_PER_SECOND
            assert account["dropped"]["redis_down"] > 0


@pytest.mark.slow
def test_a_replica_takes_over_and_everybody_follows(cluster, tmp_path):
    primary = cluster.port_of(KEYS.frames(MOVED_SHARD))
    replica = cluster.add_replica(primary)
    camera = CAMERAS[MOVED_SHARD]
    with (
        connect(cluster.url) as client,
        Listener(cluster.url) as listener,
        worker(cluster, tmp_path, "one").wait_until_ready() as one,
        producer(cluster, tmp_path) as cameras,
    ):
        wait_until(lambda: set(listener.seen) == set(CAMERAS))
        cluster.kill(primary)
        before = listener.seen[camera]
        wait_until(lambda: listener.seen[camera] > before + 20)
        with cluster.node(replica) as node:
            assert node.info("replication")["role"] == "master"
        sums = cameras.stop()
        wait_until(lambda: in_flight(client) == 0)
        assert one.stop() == 0
    assert "Traceback" not in one.log.read_text() + (tmp_path / "producer").read_text()
    # Redis copies to a replica after it has answered: the last writes before a crash may be missing there.
    assert abs(sums["captured"] - ended_by(one) - sum(sums["dropped"].values())) <= FRAMES_PER_SECOND
    assert sums["cameras"][camera]["dropped"]["redis_down"] > 0


def count_of(metrics: str, name: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name)), 0.0)
