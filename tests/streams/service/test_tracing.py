"""Traces: one frame in N, from its camera to its result, in a collector that decodes what it gets."""

import json
import subprocess
import sys
import threading

import pytest

from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.tracing import CameraTracer, Tracing
from tests.producer.test_cli import run, running
from tests.producer.test_fleet import frames_in, status_of
from tests.support.fleet import KEYS, WorkerProcess, add, frame, portrait_jpeg, results, server_now, wait_until
from tests.support.patience import PROCESS_S
from tests.support.trace_collector import TraceCollector, attributes, identity
from tests.support.video_files import wait_until as wait_within
from tests.test_path import Producer

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"


@pytest.fixture
def collector():
    with TraceCollector() as server:
        yield server


@pytest.fixture
def tracing(collector):
    opened = Tracing(collector.url, "test", "1", ServerClock(), one_in=10)
    yield opened
    opened.close()


def test_a_frame_is_followed_from_its_camera_to_its_result(collector, redis_url, client, tmp_path):
    folder = tmp_path / "secret-place"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.jpg").write_bytes(portrait_jpeg())
    traces = f"--trace-endpoint={collector.url}"
    arguments = ("--as-fast-as-possible", f"--camera=door={folder}", traces, "--trace-one-in=10")
    with Producer(redis_url, *arguments, log=tmp_path / "producer") as producer:
        assert producer.wait()["written"] == 60
    headers = [frame.header for frame in frames_in(redis_url)]
    traced = {header.traceparent: header for header in headers if header.traceparent}
    assert len(traced) == 6
    with WorkerProcess(redis_url, traces, "--device=cpu", log=tmp_path / "worker").wait_until_ready() as worker:
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0)
        assert worker.stop() == 0

    captures, batches = collector.spans("capture"), collector.spans("detect") + collector.spans("classify")
    shown = {f"00-{span.trace_id.hex()}-{span.span_id.hex()}" for span in captures}
    assert shown == {traceparent.rpartition("-")[0] for traceparent in traced}
    for span in captures:
        assert attributes(span)["fer.camera_id"] == "door"
        header = next(header for text, header in traced.items() if span.trace_id.hex() in text)
        assert attributes(span)["fer.sequence"] == header.sequence
        assert span.start_time_unix_nano == pytest.approx(header.captured_at * 1e9, abs=1e6)  # on Redis's clock
        assert (span.parent_span_id, span.end_time_unix_nano >= span.start_time_unix_nano) == (b"", True)

    for stage in ("detect", "classify"):
        assert {identity(link) for span in collector.spans(stage) for link in span.links} == {identity(s) for s in captures}
        assert all(span.links and attributes(span)["fer.batch_size"] >= len(span.links) for span in collector.spans(stage))
    published = collector.spans("publish")
    assert {(span.trace_id, span.parent_span_id) for span in published} == {identity(span) for span in captures}
    for span in published:
        assert {s.name for s in batches for link in span.links if identity(link) == identity(s)} == {"detect", "classify"}
        assert (attributes(span)["fer.outcome"], attributes(span)["fer.faces"]) == ("answered", 1)
        capture = next(one for one in captures if one.trace_id == span.trace_id)
        assert span.end_time_unix_nano > span.start_time_unix_nano >= capture.end_time_unix_nano
    assert (collector.services("capture"), collector.services("publish")) == ({"fer-producer"}, {"fer-worker"})
    assert collector.paths == {"/v1/traces"}
    assert b"secret-place" not in collector.raw
    assert len(results(client)) == 60


def test_the_log_of_a_frame_names_its_trace(collector, redis_url, client, tmp_path):
    with WorkerProcess(redis_url, f"--trace-endpoint={collector.url}", "--log-format=json", log=tmp_path / "log") as worker:
        for sequence, traceparent in ((7, f"{PARENT}01"), (8, f"{PARENT}00"), (9, "nonsense"), (10, "1"), (11, None)):
            add(client, frame(sequence, b"<html>", server_now(client), camera="door", traceparent=traceparent))
        wait_until(lambda: client.xlen(KEYS.dead(0)) == 5, 60)
        assert worker.stop() == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    dead = {line["sequence"]: line for line in lines if "is dead" in line["message"]}
    assert [line["camera"] for line in dead.values()] == ["door"] * 5
    assert {sequence: line.get("trace") for sequence, line in dead.items()} == {
        7: PARENT.split("-")[1],
        8: PARENT.split("-")[1],
        9: None,
        10: None,
        11: None,
    }
    (span,) = (span for span in collector.spans("publish") if span.trace_id.hex() in PARENT)
    assert attributes(span)["fer.outcome"] == "dead"
    assert span.status.code == span.status.STATUS_CODE_ERROR


@pytest.mark.parametrize("one_in", [1, 7, 100])
def test_one_frame_in_so_many_is_sampled_whatever_a_cap_leaves_over(tracing, one_in):
    for step in (1, 2, 5, 100):
        camera = CameraTracer(tracing, f"camera-{step}", one_in)
        spans = [camera.frame(sequence, 0.0) for sequence in range(0, 700 * step, step)]
        assert len([span for span in spans if span]) == 700 // one_in


def test_a_batch_that_fails_says_so_and_foreign_traceparents_do_no_harm(tracing, collector):
    with pytest.raises(ValueError, match="rtsp"), tracing.batch("detect", 3, [f"{PARENT}01", "nonsense", None, ""]):
        raise ValueError("rtsp://u:hunter2@h/x")
    tracing.close()
    (span,) = collector.spans("detect")
    assert [link.trace_id.hex() for link in span.links] == [PARENT.split("-")[1]]
    assert (span.status.message, list(span.events)) == ("ValueError", [])


def test_the_end_does_not_wait_for_a_collector_that_hangs():
    with TraceCollector("silent") as server:
        tracing = Tracing(server.url, "test", "1", ServerClock())
        tracing.captured("door", 1, 0.0).end(written=True)
        tracing.close()
        (sender,) = (thread for thread in threading.enumerate() if thread.name == "last-spans")
        server.__exit__()
        sender.join()


@pytest.mark.parametrize("manner", ["away", "busy", "silent"])
def test_a_collector_that_fails_costs_no_frame(redis_url, tmp_path, manner):
    with TraceCollector("well" if manner == "away" else manner) as server:
        url = server.url
        if manner == "away":
            server.__exit__()
        arguments = ("--redis", redis_url, "--camera=p=portraits:", "--json", f"--trace-endpoint={url}", "--trace-one-in=1")
        with running(tmp_path / "log", *arguments) as producer:
            wait_within(lambda: len(frames_in(redis_url)) >= 30, within_s=20, what="frames")
            if manner != "silent":
                wait_within(lambda: "takes no spans" in producer.log, within_s=20, what="the one line")
                before = status_of(redis_url, "p").sequence
                wait_within(lambda: status_of(redis_url, "p").sequence > before + 15, within_s=10, what="more frames")
            status, said = producer.end()  # within 20 s; the library alone would wait for half a minute
    assert status == 0
    sums = json.loads(said)
    assert sums["captured"] == sums["written"] + sum(n for reason, n in sums["dropped"].items() if reason in ("busy", "rate"))
    assert producer.log.count("takes no spans") <= 1
    assert "Traceback" not in producer.log


def test_what_is_missing_or_wrong_is_told():
    missing = (
        "import sys; sys.modules['opentelemetry'] = None; from ferstream.producer.cli import main; "
        "main(['run', '--camera=p=portraits:', '--metrics-port=0', '--trace-endpoint=http://127.0.0.1:4318'])"
    )
    ended = subprocess.run([sys.executable, "-c", missing], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert (ended.returncode, ended.stderr) == (
        3,
        "Error: --trace-endpoint needs OpenTelemetry: pip install '.[tracing]' in the clone of ferstream\n",
    )
    wrong = run("run", "--camera=p=portraits:", "--trace-endpoint=collector:hunter2")
    assert (wrong.returncode, "it must be an http:// or https:// URL" in wrong.stderr) == (2, True)
    assert "hunter2" not in wrong.stderr
