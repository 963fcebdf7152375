"""What README and docs/ say: their Python, their commands, and the metrics that they must name."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import redis
from prometheus_client import REGISTRY, CollectorRegistry

import ferstream.consumer.dashboard.access.refusal
import ferstream.consumer.dashboard.frames.metrics
import ferstream.producer.metrics
import ferstream.streams.service.health_server
import ferstream.workers.metrics
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.rules.alerts import Alerts
from ferstream.consumer.rules.grammar import parse_rule
from ferstream.consumer.sinks.aggregate import MinutePreparation
from ferstream.consumer.sinks.preparation import Filter
from ferstream.consumer.sinks.sink_metrics import LogMetrics
from ferstream.consumer.sinks.webhook.dead_letters import DeadLetters
from ferstream.consumer.tracking.service.track_metrics import TrackMetrics
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_result
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.streams.wire.messages import Face, Result
from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S

DOCS = ROOT / "docs"
#: README, CONTRIBUTING and the pages of docs/ that people write.
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
METRICS_PAGE = (DOCS / "metrics.md").read_text("utf-8")

#: What the documents' examples call their Redis.
URL = "redis://127.0.0.1:6379/0"
PATIENCE_S = 60.0


def metric_names() -> set[str]:
    """Every metric of every program, as Prometheus has it."""
    consumer = CollectorRegistry()
    LogMetrics("jsonl", "results", consumer)
    DeadLetters(Path(os.devnull), consumer).close()
    Alerts(parse_rule("people>1"), 1.0, consumer)
    MinutePreparation(Filter(), FaceTracker(), registry=consumer)
    TrackMetrics(registry=consumer)
    DashboardMetrics(consumer)
    families = [*REGISTRY.collect(), *ferstream.producer.metrics.ALL.collect(), *consumer.collect()]
    names = set()
    for family in families:
        if family.name.startswith("fer_"):
            names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return names


@dataclass(frozen=True, slots=True)
class Example:
    """A block of Python in a page; a line `# prints: TEXT` in it says what must come out."""

    page: Path
    line: int
    code: str

    @property
    def expected(self) -> list[str]:
        return re.findall(r"^# prints: (.+)$", self.code, re.MULTILINE)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def examples() -> list[Example]:
    """Every block of Python in the pages."""
    found = []
    for page in WRITTEN:
        text = page.read_text("utf-8")
        for block in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            found.append(Example(page, text[: block.start()].count("\n") + 1, block[1]))
    return found


def run(example: Example, folder: Path, redis_url: str) -> str:
    """Run an example as a user would, with results of two cameras coming in; returns what it printed.

    When it has printed something, no more results come, and one that goes on for ever is ended. One that fails, or prints
    nothing, raises CalledProcessError.
    """
    script, out, err = folder / "example.py", folder / "out", folder / "err"
    script.write_text(example.code.replace(URL, redis_url), "utf-8")
    endless = ("for result in results" in example.code or "while True" in example.code) and "idle_timeout_s" not in example.code
    with cameras_seen(redis_url) as enough, out.open("w") as stdout, err.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-u", script.name],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
            stdout=stdout,
            stderr=stderr,
        )
        until = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < until and not (endless and enough.is_set()):
            time.sleep(0.05)
            if out.stat().st_size:
                enough.set()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=PROCESS_S)
    said = out.read_text("utf-8")
    if status not in (0, -signal.SIGTERM) or not said:
        raise subprocess.CalledProcessError(status, str(example), said, err.read_text("utf-8"))
    return said


@contextmanager
def cameras_seen(redis_url: str) -> Iterator[threading.Event]:
    """Results of two cameras, ten a second, until the event is set."""
    client, enough = connect(redis_url), threading.Event()
    thread = threading.Thread(target=_publish, args=(client, enough))
    thread.start()
    try:
        yield enough
    finally:
        enough.set()
        thread.join()
        client.close()


def _publish(client: "redis.Redis", enough: threading.Event) -> None:
    for number in count():
        for camera in ("door", "hall"):
            seconds, microseconds = client.time()
            client.xadd("fer:results:{0}", encode_result(a_result(camera, number, seconds + microseconds / 1e6)))
        if enough.wait(0.1):
            return


def a_result(camera: str, number: int, now: float) -> Result:
    """A result with one face, as a worker would publish it."""
    probabilities = tuple(0.93 if emotion == "happiness" else 0.01 for emotion in EMOTIONS)
    face = Face(
        box=(100.0 + number, 100.0, 200.0 + number, 220.0),
        score=0.9,
        quality=0.8,
        emotion="happiness",
        probabilities=probabilities,
    )
    return Result(
        camera_id=camera,
        sequence=number,
        captured_at=now,
        frame_id=f"{number + 1}-0",
        width=1280,
        height=720,
        faces=(face,),
        models={"detector": "ssd-320", "classifier": "hybrid-vit-48"},
        seconds={"detect": 0.004},
        worker="node-7",
    )
