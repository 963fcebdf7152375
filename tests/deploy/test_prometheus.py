"""A real Prometheus scrapes a real fleet: every query answers, nothing fires while all is well, and what breaks is told."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from tests.plays.scale_out.processes import Part, free_port
from tests.support.deploy.prometheus_server import PrometheusServer
from tests.support.deploy.queries import DASHBOARDS, asked_by_dashboards, asked_by_rules, autoscaling_queries, dashboard
from tests.support.deploy.tools import tool
from tests.support.fleet import KEYS, add, frame, portrait_jpeg, server_now
from tests.support.video_files import make_video, wait_until

pytestmark = pytest.mark.deploy


#: What has no answer while all is well, and by what it gets one: a step of BREAKS, or a reason why none of them does it.
#: "either" is what a machine that is too busy for the test may have at any time.
ONLY_WHEN_IT_BREAKS = {
    "fleet: Alerts: Value": "either",
    "fleet: Where every frame goes: dead": "a frame that is none",
    "worker: Dead letters by reason: {{reason}}": "a frame that is none",
    "rules: fer_frames_dead_total": "a frame that is none",
    "sinks: Results logged: unreadable: {{reason}}": "a result that is none",
    "fleet: Where every frame goes: expired": "a frame that is too old",
    "worker: Frames expired, repeated, claimed: expired": "a frame that is too old",
    "rules: fer_frames_expired_total": "a frame that is too old",
    "redis: Calls that ferstream tried again: {{instance}} {{kind}}": "a Redis that hangs up",
    "redis: Frames that Redis did not take: {{reason}}": "a full Redis",
    "worker: Redis calls tried again, batches halved: Redis {{kind}}": "a Redis that hangs up",
    'rules: fer_frames_dropped_total{reason!="rate"}': "either",
    'rules: fer_frames_dropped_total{reason=~"budget|trimmed"}': "no worker",
    'rules: fer_frames_dropped_total{camera!="",reason=~"busy|budget|trimmed|encode|error"}': "either",
    "fleet: Frames that people send: {{camera}} refused: {{status}}": "never here: nobody sends frames",
    "fleet: Their answers, p95: {{camera}}": "never here: nobody sends frames",
    "worker: Previews: {{outcome}}": "never here: nobody looks at a camera",
    "worker: Frames expired, repeated, claimed: repeated": "never here: it takes two workers that answer one frame",
    "sinks: Batches that failed: {{kind}}: {{reason}}": "never here: its store never fails",
    "sinks: Refused by webhooks, unseen by rules: dead letters": "never here: there is no webhook",
    "sinks: Refused by webhooks, unseen by rules: holes": "never here: there is no rule",
    "sinks: Too late: left out of a minute": "never here: no sink makes minutes",
    'rules: fer_track_emotion_seconds_total{camera="stage",emotion="surprise"}': "never here: no camera is called stage",
}


@dataclass
class Observed:
    """A fleet with everything that deploy/ watches it with."""

    client: "redis.Redis"
    prometheus: PrometheusServer
    parts: dict[str, Part]

    def has(self, expression: str) -> bool:
        return bool(self.prometheus.query(expression))

    def silent(self, queries: dict[str, str]) -> set[str]:
        """The queries that no number answers."""
        return {name for name, expression in queries.items() if not self.has(expression)}

    def again(self, do: Callable[[], object], until: Callable[[], bool], what: str) -> None:
        """Do it once every two seconds until that shows: a rate needs more than one."""

        def shows() -> bool:
            do()
            time.sleep(2)
            return until()

        wait_until(shows, within_s=60, what=what)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder: Path = tmp_path_factory.mktemp("observed")
    clip = make_video(folder / "clip.mp4", frames=40, fps=8)
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedRedis(max_memory="64mb"))
        shared = ("--redis", server.url, "--log-level", "warning")
        client = connect(server.url)
        stack.callback(client.close)

        def start(name: str, module: str, *arguments: str) -> Part:
            return stack.enter_context(Part(name, module, *arguments, *shared, folder=folder)).wait_until_ready()

        worker = start("worker", "ferstream.workers.cli", "run", "--json", "--device=cpu", "--threads=1", "--claim-after=2")
        logger = start("consumer", "ferstream.consumer.cli", "log", f"--dir={folder / 'events'}")
        tracker = start("tracker", "ferstream.consumer.cli", "track")
        sink = start("sink", "ferstream.consumer.cli", "sink", "sqlite", f"--file={folder / 'results.db'}")
        page = start("dashboard", "ferstream.consumer.dashboard.cli", "run", "--port=0")
        # Three frames a second: the clip's other five are over the cap, as in any fleet; a busy machine is in time all the same.
        cameras = ("--camera=door=portraits:", f"--camera=hall={clip}", "--loop", "--fps=3", "--budget-bytes=4194304")
        producer = start("producer", "ferstream.producer.cli", "run", "--json", *cameras)
        wait_until(lambda: client.xlen(KEYS.results(0)) > 5, within_s=30, what="results")
        exporter = free_port()
        command = [
            tool("prometheus-redis-exporter"),
            f"-redis.addr={server.url}",
            f"-web.listen-address=127.0.0.1:{exporter}",
            "-config-command=-",
        ]
        with (folder / "exporter.log").open("w") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(running.wait)
        stack.callback(running.terminate)
        targets = {
            "fer-producer": [f"127.0.0.1:{producer.port}"],
            "fer-worker": [f"127.0.0.1:{worker.port}"],
            "fer-consumer": [f"127.0.0.1:{logger.port}"],
            "fer-sink": [f"127.0.0.1:{sink.port}"],
            "fer-tracker": [f"127.0.0.1:{tracker.port}"],
            "fer-dashboard": [f"127.0.0.1:{page.port}"],
            "redis": [f"127.0.0.1:{exporter}"],
        }
        prometheus = stack.enter_context(PrometheusServer(folder, targets))
        observed = Observed(client, prometheus, {"worker": worker, "consumer": logger, "producer": producer})
        patience = time.monotonic() + 60
        while observed.silent(asked()) - set(ONLY_WHEN_IT_BREAKS) and time.monotonic() < patience:
            time.sleep(1)  # what is silent then, a test names
        yield observed


def asked() -> dict[str, str]:
    """Every query of dashboards and autoscaling, and every selector of rules, by what names it."""
    others = {f"rules: {selector}": selector for selector in asked_by_rules()}
    return asked_by_dashboards() | others | {f"autoscaling: {query}": query for query in autoscaling_queries()}


def test_every_query_answers_but_those_that_answer_only_when_it_breaks(fleet):
    silent = fleet.silent(asked())
    assert silent - set(ONLY_WHEN_IT_BREAKS) == set()
    assert {name for name, by in ONLY_WHEN_IT_BREAKS.items() if by != "either"} - silent == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_variable_has_values(fleet, path):
    for variable in dashboard(path.stem)["templating"]["list"]:
        if variable["type"] == "query":
            query = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert query, variable["query"]
            assert any(query[2] in sample["metric"] for sample in fleet.prometheus.query(query[1])), variable["query"]


def test_nothing_fires_while_all_is_well(fleet):
    wait_until(lambda: not fleet.prometheus.firing(), within_s=60, what=f"a quiet moment: {fleet.prometheus.firing()}")


def break_a_frame(fleet: Observed) -> None:
    fleet.client.xadd(KEYS.frames(0), {b"m": b"no map", b"j": b"no picture"})


def break_a_result(fleet: Observed) -> None:
    fleet.client.xadd(KEYS.results(0), {b"r": b"no map"})


def let_a_frame_grow_old(fleet: Observed) -> None:
    add(fleet.client, frame(1, portrait_jpeg(), server_now(fleet.client) - 3, freshness_s=1))


def fill_redis(fleet: Observed) -> None:
    """Producers' frames are what it does not take; a result frees its frame."""
    fleet.client.config_set("maxmemory", 100_000)


def hang_up(fleet: Observed) -> None:
    fleet.client.config_set("maxmemory", 64_000_000)
    fleet.client.client_kill_filter(_type="normal", skipme=True)


def stop_the_worker(fleet: Observed) -> None:
    fleet.parts["worker"].signal(signal.SIGTERM)


#: What is done, again and again until it shows, and the alert that it raises, if any.
BREAKS: dict[str, tuple[Callable[[Observed], None], str | None]] = {
    "a frame that is none": (break_a_frame, "FerDeadLetters"),
    "a result that is none": (break_a_result, None),
    "a frame that is too old": (let_a_frame_grow_old, None),
    "a full Redis": (fill_redis, "FerRedisMemory"),
    "a Redis that hangs up": (hang_up, None),
    "no worker": (stop_the_worker, "FerNoWorker"),
}


@pytest.mark.parametrize("step", BREAKS)
def test_what_breaks_is_told(fleet, step):
    """The steps build on each other, in this order."""
    do, alert = BREAKS[step]
    assert alert not in fleet.prometheus.firing()
    wanted = {name: asked()[name] for name, by in ONLY_WHEN_IT_BREAKS.items() if by == step}
    fleet.again(lambda: do(fleet), lambda: not fleet.silent(wanted), f"answers to {sorted(wanted)}")
    wait_until(lambda: alert is None or alert in fleet.prometheus.firing(), within_s=60, what=f"{alert} firing")


def test_every_reason_for_silence_is_a_step_that_ends_it_or_says_why_none_does():
    assert {by for by in ONLY_WHEN_IT_BREAKS.values() if by != "either" and not by.startswith("never here: ")} == set(BREAKS)
