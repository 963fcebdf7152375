"""A publisher whose Redis hangs for longer than a command may take: what it sent is done when Redis wakes, and it never hears."""

import os
import signal
import time

import msgpack
import pytest

from ferstream.streams.frames.finish import FrameFinisher
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from ferstream.workers import metrics
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.result_publisher import ResultPublisher
from ferstream.workers.pipeline.stage import Channel
from tests.support.fleet import KEYS, add, frame, server_now, wait_until

HANGS_S = 3.0


@pytest.fixture
def server():
    with EmbeddedRedis() as server:
        yield server


def counted() -> dict[str, int]:
    totals = metrics.totals()
    return {how: totals[how] for how in ("published", "expired", "dead")}


def test_frames_that_expire_or_die_while_redis_hangs_are_counted_once(server):
    clock = ServerClock()
    with connect(server.url) as client, connect(f"{server.url}?socket_timeout=0.5") as impatient:
        clock.set_from(client)
        now = clock.now()
        reader = FrameReader(client, Keys(), group="workers", consumer="w", claim_after_s=60)
        reader.join()
        frames = [frame(number, b"", now) for number in range(6)]
        for one in frames:
            add(client, one)
        tasks = [FrameTask(entry, one) for entry, one in zip(reader.read(6, 1), frames, strict=True)]
        impatient.ping()  # connected: what is sent now waits in its socket
        finished: Channel[FrameTask] = Channel(8)
        publisher = ResultPublisher(
            FrameFinisher(impatient, Keys(), group="workers", keep_results_s=60),
            clock,
            finished,
            worker="w",
            models={},
            camera_label=lambda camera: camera,
            on_ended=lambda _: None,
        )
        before = counted()
        for task in tasks[:4]:
            finished.put(task.expire())
        os.kill(server.pid, signal.SIGSTOP)
        try:
            publisher.start()
            wait_until(lambda: publisher.silent_s() > 0.1)  # a try is under way
            time.sleep(HANGS_S)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 2 and counted()["expired"] > before["expired"])
        wait_until(lambda: publisher.silent_s() == 0)  # it rests
        os.kill(server.pid, signal.SIGSTOP)
        try:
            for task in tasks[4:]:
                finished.put(task.die("stage-failed", "detect: it broke"))
            time.sleep(HANGS_S)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0)
        publisher.finish(10)
        letters = [msgpack.unpackb(fields[b"d"])["frame_id"] for _, fields in client.xrange(KEYS.dead(0))]
        assert letters == [task.entry.entry_id for task in tasks[4:]]
        assert {how: count - before[how] for how, count in counted().items()} == {"published": 0, "expired": 4, "dead": 2}
        assert client.xpending(KEYS.frames(0), "workers")["pending"] == 0


def test_what_redis_refuses_is_held_until_somebody_mends_it(server):
    clock, released = ServerClock(), []
    with connect(server.url) as client, connect(server.url.replace("unix://", "unix://app:secret@")) as refused:
        client.acl_setuser("app", enabled=True, passwords=["+secret"], keys=["*"], commands=["-@all"])
        reader = FrameReader(client, Keys(), group="workers", consumer="w", claim_after_s=60)
        reader.join()
        one = frame(1, b"", server_now(client))
        add(client, one)
        (entry,) = reader.read(1, 1)
        finished: Channel[FrameTask] = Channel(8)
        publisher = ResultPublisher(
            FrameFinisher(refused, Keys(), group="workers", keep_results_s=60),
            clock,
            finished,
            worker="w",
            models={},
            camera_label=lambda camera: camera,
            on_ended=released.extend,
        )
        publisher.start()
        finished.put(FrameTask(entry, one))
        wait_until(lambda: publisher.problem)
        assert "rights" in publisher.problem
        assert released == []
        client.acl_setuser("app", commands=["+@all"])
        wait_until(lambda: released)
        publisher.finish(10)
        assert (released, publisher.problem, client.xlen(KEYS.results(0))) == ([entry], None, 1)
