"""What watches a worker: goes on while Redis hangs, and is missed when it hangs itself."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from ferstream.workers import metrics
from ferstream.workers import worker as worker_module
from ferstream.workers.gauges import GaugeUpdater
from ferstream.workers.settings import WorkerSettings
from ferstream.workers.worker import Worker
from tests.support.fleet import wait_until


def busier(looks: list[float]) -> list[float]:
    looks.append(1000.0 * len(looks))
    return [looks[-1]]


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


def test_how_busy_the_stages_are_is_told_while_redis_hangs(server):
    looks: list[float] = []
    with connect(server.url, timeout_s=120) as client:
        reader = FrameReader(client, Keys(), group="workers", consumer="w", claim_after_s=60)
        watch = GaugeUpdater(client, Keys(), ServerClock(), [reader], lambda: busier(looks))
        metrics.BUSY.set(0)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            watch.start()
            wait_until(lambda: len(looks) > 3)
            assert metrics.BUSY.collect()[0].samples[0].value == 1
        finally:
            os.kill(server.pid, signal.SIGCONT)
            watch.stop()
        wait_until(lambda: not any(thread.name.startswith("gauges-") for thread in threading.enumerate()))


def test_a_worker_one_of_whose_loops_hangs_is_unhealthy(redis_url, monkeypatch):
    monkeypatch.setattr(worker_module, "HANGS_AFTER_S", 2.0)
    worker = Worker(WorkerSettings(redis_url=redis_url, name="w", device="cpu", threads=1))
    hangs = threading.Event()
    try:
        worker.start()
        assert worker.unhealthy() is None
        monkeypatch.setattr(worker._gauges, "_set_clock", hangs.wait)
        wait_until(lambda: "the gauges' loop has not come round" in (worker.unhealthy() or ""))
    finally:
        hangs.set()
        worker.stop()


def test_the_account_in_redis_is_told(client):
    client.hset(
        Keys().account(0),
        mapping={"captured": 11, "published": 3, "expired": 1, "dead.empty": 1, "dead.bad-jpeg": 2, "dropped.rate": 1},
    )
    client.xadd(Keys().frames(0), {b"m": b"waits"})
    reader = FrameReader(client, Keys(), group="workers", consumer="w", claim_after_s=60)
    watch = GaugeUpdater(client, Keys(), ServerClock(), [reader], lambda: [0.0])
    watch.start()
    try:
        wait_until(lambda: frames_told().get("captured") == 11)
        wait_until(lambda: metrics.BALANCE.collect()[0].samples[0].value == 2)
    finally:
        watch.stop()
    assert frames_told() == {"captured": 11, "published": 3, "expired": 1, "dead": 3, "dropped": 1, "in_flight": 1}


def frames_told() -> dict[str, float]:
    return {sample.labels["outcome"]: sample.value for sample in metrics.ACCOUNT.collect()[0].samples}
