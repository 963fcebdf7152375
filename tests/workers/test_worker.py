"""Whole workers, as processes, against a real Redis."""

import os
import signal
import struct
import threading
import time
from pathlib import Path

import msgpack
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.service.metrics import ferstream_version
from ferstream.streams.wire.codec import MAX_HEADER_BYTES
from ferstream.streams.wire.messages import VERSION
from tests.support.fleet import KEYS, WorkerProcess, add, frame, portrait_jpeg, results, server_now, wait_until
from tests.support.patience import PROCESS_S
from tests.support.scan_bomb import scan_bomb


def dead_letters(client) -> list[dict]:
    return [msgpack.unpackb(fields[b"d"]) for _, fields in client.xrange(KEYS.dead(0))]


def test_a_worker_names_the_astronaut_happy_and_removes_the_frame(redis_url, client, tmp_path):
    with WorkerProcess(redis_url, log=tmp_path / "log").wait_until_ready() as worker:
        # As captured the frame was twice as large: boxes are in its pixels.
        add(client, frame(1, portrait_jpeg(), server_now(client), width=1024, height=1024, media_time=2.5))
        (result,) = wait_until(lambda: results(client))
        assert worker.stop() == 0
    (face,) = result.faces
    assert face.emotion == "happiness"
    assert sum(face.probabilities) == pytest.approx(1, abs=1e-5)
    x0, y0, x1, y1 = face.box
    assert x0 < 440 < x1  # the nose is at about (220, 115) in the portrait
    assert y0 < 230 < y1
    assert face.confidence == max(face.probabilities)
    assert all(x0 < x < x1 and y0 < y < y1 for x, y in face.landmarks)
    assert abs(face.pose.yaw) < 45
    assert result.media_time == 2.5
    assert set(result.seconds) == {"decode", "detect", "crop", "classify"}
    assert client.xlen(KEYS.frames(0)) == 0
    assert client.xpending(KEYS.frames(0), "workers")["pending"] == 0
    assert worker.totals["published"] == 1
    assert client.xinfo_consumers(KEYS.frames(0), "workers") == []


def test_nothing_is_lost_when_a_worker_is_killed_in_mid_batch(redis_url, client, tmp_path):
    picture, count = portrait_jpeg(), 400
    now = server_now(client)

    def feed() -> None:
        for sequence in range(count):
            add(client, frame(sequence, picture, now, freshness_s=600, camera=f"camera-{sequence % 3}"))

    with (
        WorkerProcess(redis_url, "--name", "victim", log=tmp_path / "victim").wait_until_ready() as victim,
        WorkerProcess(redis_url, "--name", "heir", "--claim-after", "1", log=tmp_path / "heir").wait_until_ready() as heir,
    ):
        feeder = threading.Thread(target=feed)
        feeder.start()
        wait_until(lambda: client.xlen(KEYS.results(0)) > 50)
        held = wait_until(
            lambda: [c for c in client.xinfo_consumers(KEYS.frames(0), "workers") if c["name"] == b"victim" and c["pending"] > 8]
        )
        victim.process.send_signal(signal.SIGKILL)
        assert held[0]["pending"] > 8
        feeder.join()
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0, 90)
        assert heir.stop() == 0
        victim_published = {r.sequence for r in results(client) if r.worker == "victim"}
    names = {(result.camera_id, result.sequence) for result in results(client)}
    assert len(names) == count
    assert heir.totals["claimed"] > 0
    # captured = published by either + expired + dead + in flight; the victim's own counters died with it.
    assert heir.totals["published"] + len(victim_published) == count
    assert heir.totals["expired"] == heir.totals["dead"] == 0


def jpeg_that_claims(width: int, height: int) -> bytes:
    """The portrait with another size written into its start-of-frame segment."""
    picture = bytearray(portrait_jpeg())
    at = picture.index(b"\xff\xc0") + 5
    picture[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(picture)


def test_poison_is_kept_aside_with_its_reason_and_the_worker_goes_on(redis_url, client, tmp_path):
    picture = portrait_jpeg()
    giant = msgpack.packb({"version": VERSION, "site": "x" * MAX_HEADER_BYTES})
    with WorkerProcess(redis_url, log=tmp_path / "log").wait_until_ready() as worker:
        now = server_now(client)
        add(client, frame(1, picture[: len(picture) // 2], now))
        add(client, frame(2, b"", now))
        add(client, frame(3, b"<html>no camera here</html>", now))
        add(client, frame(4, jpeg_that_claims(40_000, 40_000), now))
        add(client, frame(5, picture, now, width=10**9))
        add(client, frame(6, scan_bomb(), now))
        client.xadd(KEYS.frames(0), {b"m": msgpack.packb({"version": 3}), b"j": picture})
        client.xadd(KEYS.frames(0), {b"m": giant, b"j": picture})
        client.xadd(KEYS.frames(0), {b"m": msgpack.packb({"version": 1, "camera_id": "x"}), b"j": picture})
        client.xadd(KEYS.frames(0), {b"hello": b"world"})
        good = frame(9, picture, now)
        add(client, good)
        wait_until(lambda: results(client) and len(dead_letters(client)) == 10)
        assert worker.stop() == 0
    reasons = sorted(letter["reason"] for letter in dead_letters(client))
    assert reasons == [
        "bad-jpeg",
        "bad-jpeg",
        "bad-jpeg",
        "empty",
        "missing-field",
        "missing-field",
        "too-large",
        "too-large",
        "too-large",
        "wrong-version",
    ]
    assert not any(b"j" in fields for _, fields in client.xrange(KEYS.dead(0)))
    assert [result.sequence for result in results(client)] == [9]
    assert worker.totals["dead"] == 10
    assert client.xlen(KEYS.frames(0)) == 0


def test_a_frame_past_its_deadline_expires_and_a_fresh_one_does_not(redis_url, client, tmp_path):
    picture = portrait_jpeg()
    now = server_now(client)
    for sequence in range(5):
        add(client, frame(sequence, picture, now - 10, freshness_s=1))
    add(client, frame(5, picture, now))
    # A client of another kind whose clock is an hour off: behind, its frames expire, which is counted; ahead, they are answered.
    add(client, frame(6, picture, now - 3600))
    add(client, frame(7, picture, now + 3600))
    with WorkerProcess(redis_url, log=tmp_path / "log") as worker:
        wait_until(lambda: len(results(client)) == 2)
        assert worker.stop() == 0
    assert worker.totals["expired"] == 6
    assert worker.totals["published"] == 2


def test_a_frame_that_kills_workers_becomes_a_dead_letter(redis_url, client, tmp_path):
    client.xgroup_create(KEYS.frames(0), "workers", id="0", mkstream=True)
    entry_id = add(client, frame(1, portrait_jpeg(), server_now(client)))
    for _ in range(4):  # four workers took it, and none was heard of again
        client.xreadgroup("workers", "gone", {KEYS.frames(0): ">"})
        client.xclaim(KEYS.frames(0), "workers", "gone", 0, [entry_id])
    with WorkerProcess(redis_url, "--claim-after", "0.5", log=tmp_path / "log").wait_until_ready() as worker:
        (letter,) = wait_until(lambda: dead_letters(client))
        assert worker.stop() == 0
    assert letter["reason"] == "delivered-too-often"
    assert letter["deliveries"] > 3


def test_a_deleted_group_is_made_again_and_its_frames_are_read(redis_url, client, tmp_path):
    with WorkerProcess(redis_url, log=tmp_path / "log").wait_until_ready() as worker:
        client.xgroup_destroy(KEYS.frames(0), "workers")
        for sequence in range(20):
            add(client, frame(sequence, portrait_jpeg(), server_now(client)))
        wait_until(lambda: len({r.sequence for r in results(client)}) == 20)
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0)
        client.delete(KEYS.frames(0))
        time.sleep(0.2)
        add(client, frame(99, portrait_jpeg(), server_now(client)))
        wait_until(lambda: 99 in {r.sequence for r in results(client)})
        assert worker.stop() == 0
    assert worker.totals["published"] == 21


def test_a_worker_waits_for_redis_and_outlives_it(tmp_path):
    """Redis down at the start, then up; then frozen for a while as if cut off, with a frame read and not answered."""
    with EmbeddedRedis() as server:
        client = connect(server.url)
        with WorkerProcess(server.url, log=tmp_path / "log").wait_until_ready() as worker:
            os.kill(server.pid, signal.SIGSTOP)
            wait_until(lambda: worker.get("/readyz")[0] == 503)
            os.kill(server.pid, signal.SIGCONT)
            wait_until(lambda: worker.get("/readyz")[0] == 200)
            add(client, frame(1, portrait_jpeg(), server_now(client)))
            wait_until(lambda: results(client))
            assert worker.get("/healthz")[0] == 200
            assert worker.stop() == 0
        assert worker.totals["published"] == 1
        client.close()


def test_answers_whose_reply_was_lost_are_counted_once(tmp_path):
    """Redis hangs for longer than a command may take: what was sent to it is done when it wakes, and nobody hears of it."""
    count = 300
    with EmbeddedRedis() as server:
        client = connect(server.url, timeout_s=30)
        options = ["--name", "w", "--claim-after", "60"]
        with WorkerProcess(server.url, *options, log=tmp_path / "log").wait_until_ready() as worker:
            now = server_now(client)
            for sequence in range(count):
                add(client, frame(sequence, portrait_jpeg(), now, freshness_s=600))
            wait_until(lambda: client.xlen(KEYS.results(0)) > 40)
            os.kill(server.pid, signal.SIGSTOP)
            wait_until(lambda: "no answer from Redis" in (tmp_path / "log").read_text(), 20)
            os.kill(server.pid, signal.SIGCONT)
            wait_until(lambda: client.xlen(KEYS.frames(0)) == 0, 60)
            assert worker.stop() == 0
        assert {result.sequence for result in results(client)} == set(range(count))
        assert worker.totals["published"] == count
        client.close()


def test_a_full_redis_takes_results(tmp_path):
    """Each frees more than it needs: the picture of its frame."""
    with EmbeddedRedis() as server:
        client = connect(server.url)
        with WorkerProcess(server.url, log=tmp_path / "log").wait_until_ready() as worker:
            add(client, frame(1, portrait_jpeg(), server_now(client)))
            wait_until(lambda: results(client))
            worker.process.send_signal(signal.SIGSTOP)
            add(client, frame(2, portrait_jpeg(), server_now(client)))
            client.config_set("maxmemory", "500kb")
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                client.set("more", b"x")
            worker.process.send_signal(signal.SIGCONT)
            wait_until(lambda: {r.sequence for r in results(client)} == {1, 2})
            assert worker.stop() == 0
        assert worker.totals["published"] == 2
        client.close()


def test_metrics_health_and_readiness(redis_url, client, tmp_path):
    with WorkerProcess(redis_url, "--device=cpu", log=tmp_path / "log").wait_until_ready() as worker:
        for sequence in range(10):
            add(client, frame(sequence, portrait_jpeg(), server_now(client)))
        wait_until(lambda: len(results(client)) == 10)
        wait_until(lambda: 'fer_stream_bytes{shard="0"}' in worker.get("/metrics")[1])
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(worker.get("/metrics")[1])
            for sample in family.samples
        }
        assert worker.get("/healthz") == (200, "ok\n")
        assert worker.stop() == 0
    for stage in ("decode", "detect", "crop", "classify", "publish"):
        assert samples["fer_stage_duration_seconds_count", stage] > 0
        assert samples["fer_frame_age_seconds_count", stage] == 10
    assert samples["fer_end_to_end_latency_seconds_count",] == 10
    assert samples["fer_frames_received_total", "test"] == 10
    assert samples["fer_frames_published_total", "test"] == 10
    assert samples["fer_faces_classified_total", "happiness"] == 10
    assert samples["fer_batch_size_sum", "classifier"] == 10
    assert samples["fer_worker_info", "hybrid-vit-48", "ssd-320", "cpu", "f32", "openvino"] == 1
    assert ferstream_version() != "unknown"
    assert ("fer_build_info", "fer-worker", ferstream_version()) in samples


def test_sigterm_finishes_what_is_held(redis_url, client, tmp_path):
    now, picture = server_now(client), portrait_jpeg()
    with WorkerProcess(redis_url, log=tmp_path / "log").wait_until_ready() as worker:
        for sequence in range(300):
            add(client, frame(sequence, picture, now, freshness_s=600))
        wait_until(lambda: len(results(client)) > 10)
        assert worker.stop() == 0
    pending = client.xpending(KEYS.frames(0), "workers")["pending"]
    assert pending == 0
    assert worker.totals["published"] == len(results(client))
    assert worker.totals["published"] + client.xlen(KEYS.frames(0)) == 300


def test_a_worker_that_must_leave_in_the_middle_of_its_batches_leaves_quietly(redis_url, client, tmp_path):
    picture, now = portrait_jpeg(), server_now(client)
    with WorkerProcess(redis_url, "--threads", "4", "--drain-timeout", "0", log=tmp_path / "log").wait_until_ready() as worker:
        for sequence in range(200):
            add(client, frame(sequence, picture, now))
        wait_until(lambda: client.xlen(KEYS.results(0)) > 10)
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):  # a machine that stalls as it is shut down
            worker.process.send_signal(number)
        worker.process.communicate(timeout=PROCESS_S)
    assert worker.process.returncode == 0
    assert "frames left to other workers" in worker.log.read_text()
    assert "terminate called" not in worker.log.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--no-such-option"], "No such option"),
        (["--runtime", "tensorrt"], "'tensorrt' is not one of"),
        (["--device", "cuda:77"], "cuda:77 asked for, but "),
        (["--device", "gpu"], "'gpu' is no device: use auto, cpu, cuda or cuda:N"),
        (["--device", "cuda", "--runtime", "openvino"], "openvino computes on the CPU"),
        (["--detector", str(Path(__file__).parent)], "no model in"),
        (["--redis", "http://user:secret@localhost"], "must start with redis://"),
    ],
)
def test_what_cannot_work_is_one_clear_line(arguments, says, redis_url, tmp_path):
    with WorkerProcess(redis_url, *arguments, log=tmp_path / "log") as worker:
        assert worker.process.wait(timeout=PROCESS_S) in (2, 3)
    text = (tmp_path / "log").read_text()
    assert says in text
    assert "Traceback" not in text
    assert "secret" not in text
