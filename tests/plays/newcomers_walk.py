"""`make walk`: what someone new does in the first afternoon, with a stop-watch, without containers.

Real processes; prints the Markdown table that deploy/README.md shows.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ferstream.streams.errors import FerstreamError, StoreError
from ferstream.streams.frames.account import Account, read_account
from ferstream.streams.local.embedded_redis import find_redis_server
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result
from tests.plays.scale_out.caption import account_line
from tests.plays.scale_out.page import replace_block
from tests.plays.scale_out.processes import Part, free_port
from tests.support.deploy.prometheus_server import PrometheusServer
from tests.support.paths import ROOT

KEYS = Keys()
FPS = 5  # of each of the two cameras


class LosableRedis:
    """A redis-server on one port that is killed and started again; its data is gone then."""

    def __init__(self, folder: Path) -> None:
        self._port, self._folder = free_port(), folder
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {"port": str(self._port), "bind": "127.0.0.1", "save": "", "dir": str(self._folder), "maxmemory": "256mb"}
        words = [word for name, value in (settings | {"maxmemory-policy": "noeviction"}).items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([find_redis_server(), *words], stdout=subprocess.DEVNULL, start_new_session=True)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass
class Walk:
    """The steps in order and how long each took; `account` is Redis's at the end, since it came back without its data."""

    folder: Path
    redis_away_s: float
    stack: ExitStack
    rows: list[tuple[str, float, str]] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        self.redis = LosableRedis(self.folder)
        self.stack.callback(self.redis.kill)
        self.client = connect(self.redis.url, timeout_s=1.0)
        self.stack.callback(self.client.close)

    @contextmanager
    def timed(self, step: str, how: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.rows.append((step, time.monotonic() - started, how))
        sys.stderr.write(f"{self.rows[-1][1]:7.1f} s  {step}\n")

    def start(self, name: str, module: str, *arguments: str) -> Part:
        shared = ("run", "--redis", self.redis.url, "--json", *arguments)
        self.parts[name] = self.stack.enter_context(Part(name, module, *shared, folder=self.folder))
        return self.parts[name]

    def start_worker(self, name: str) -> Part:
        return self.start(name, "ferstream.workers.cli", "--name", name, "--device", "cpu", "--threads", "1")

    def cameras(self, *names: str) -> None:
        """Write cameras.yaml, and have the producer read it again."""
        cameras = {name: {"url": "portraits:", "fps": FPS} for name in names}
        (self.folder / "cameras.yaml").write_text(yaml.safe_dump({"cameras": cameras}))
        if "producer" in self.parts:
            self.parts["producer"].signal(signal.SIGHUP)

    def results(self, since: str = "-") -> list[Result]:
        """Results in Redis, none while it is away."""
        try:
            with translated():
                entries: Any = self.client.xrange(KEYS.results(0), since)
        except StoreError:
            return []
        return [decode_result(entry_id.decode(), fields) for entry_id, fields in entries]

    def wait_for_result(self, wanted: Callable[[Result], bool]) -> None:
        since = str(int(time.time() * 1000))  # this machine's Redis: one clock
        wait_for(lambda: any(wanted(result) for result in self.results(since)), 60, "a result")


def wait_for(true: Callable[[], object], patience_s: float, what: str) -> None:
    until = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > until:
            raise FerstreamError(f"no sign of {what} within {patience_s:g} s")
        time.sleep(0.02)


def clone_to_first_event(walk: Walk) -> None:
    """`git clone`, then `make demo`, which makes an environment of its own."""
    clone = walk.folder / "clone"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "VIRTUAL_ENV"))}
    command = ["make", "demo", f"PYTHON={sys.executable}", "ARGS=--seconds 1 --json"]
    with walk.timed("clone to first event", "`git clone`, `make demo`; an empty environment, packages downloaded"):
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        demo = walk.stack.enter_context(subprocess.Popen(command, cwd=clone, env=plain, stdout=subprocess.PIPE, text=True))
        lines = iter(demo.stdout or ())
        seen = any(line.startswith("{") and json.loads(line).get("faces") for line in lines)
    rest = list(lines)  # it ends by itself, with its account
    if demo.wait() or not seen or json.loads(rest[-1])["balance"]:
        raise FerstreamError("the demo of the clone showed no face, or did not balance")


def start_to_prometheus_with_data(walk: Walk) -> None:
    """Everything by hand, until Prometheus answers how many frames a second are published."""
    with walk.timed("to a Prometheus with data", "Redis, producer, worker, Prometheus with deploy's rules, scraping each second"):
        walk.redis.start()
        walk.cameras("door")
        walk.start_worker("worker-0")
        walk.start("producer", "ferstream.producer.cli", "--stay", "--cameras", str(walk.folder / "cameras.yaml"))
        addresses = {f"fer-{name.split('-')[0]}": [f"127.0.0.1:{part.port}"] for name, part in walk.parts.items()}
        prometheus = PrometheusServer(
            walk.folder, {"fer-consumer": [], "fer-sink": [], "fer-tracker": [], "fer-dashboard": [], "redis": []} | addresses
        )
        walk.stack.enter_context(prometheus)
        wait_for(lambda: prometheus.query("sum(rate(fer_frames_published_total[30s])) > 0"), 90, "data in Prometheus")


def add_a_camera(walk: Walk) -> None:
    with walk.timed("adding a camera", "two lines in `cameras.yaml`, `kill -HUP`, to its first event"):
        walk.cameras("door", "hall")
        walk.wait_for_result(lambda result: result.camera_id == "hall")


def add_a_worker(walk: Walk) -> None:
    with walk.timed("adding a worker", "start, to its first event"):
        walk.start_worker("worker-1")
        walk.wait_for_result(lambda result: result.worker == "worker-1")


def roll_a_worker(walk: Walk) -> None:
    with walk.timed(
        "rolling a worker", "SIGTERM, drain, start under the same name, to its first event; the other one serves meanwhile"
    ):
        walk.parts.pop("worker-0").stop()
        walk.start_worker("worker-0")
        walk.wait_for_result(lambda result: result.worker == "worker-0")


def lose_redis(walk: Walk) -> None:
    walk.redis.kill()
    time.sleep(walk.redis_away_s)
    how = f"`kill -9`, {walk.redis_away_s:g} s without, start again; from its return to the first event"
    with walk.timed("losing Redis for a minute" if walk.redis_away_s == 60 else "losing Redis", how):
        walk.redis.start()
        walk.wait_for_result(lambda result: bool(result.faces))
    still = [name for name, part in walk.parts.items() if not part.running()]
    if still:
        raise FerstreamError(f"{', '.join(still)} did not outlive Redis")


def settle(walk: Walk) -> None:
    """Stop in the order of a frame's way, and look at the account."""
    walk.parts.pop("producer").stop()
    wait_for(lambda: not walk.client.xlen(KEYS.frames(0)), 20, "an empty stream")
    for name in list(walk.parts):
        walk.parts.pop(name).stop()
    walk.account = read_account(walk.client, KEYS)


def take(redis_away_s: float, *, clone: bool) -> Walk:
    """The whole walk; raises FerstreamError where a step does not arrive."""
    with TemporaryDirectory(prefix="fer-walk-") as folder, ExitStack() as stack:
        walk = Walk(Path(folder), redis_away_s, stack)
        if clone:
            clone_to_first_event(walk)
        for step in (start_to_prometheus_with_data, add_a_camera, add_a_worker, roll_a_worker, lose_redis, settle):
            step(walk)
        return walk


def table(walk: Walk) -> str:
    lines = ["| step | seconds | how |", "|---|---:|---|", *(f"| {step} | {took:.1f} | {how} |" for step, took, how in walk.rows)]
    return "\n".join([*lines, "", f"Account of every frame since Redis came back: {account_line(walk.account)}."])


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the newcomer's walk and print its table.")
    parser.add_argument("--redis-away", type=float, default=60.0, help="seconds without Redis")
    parser.add_argument("--no-clone", action="store_true", help="leave out the clone, which downloads packages")
    parser.add_argument("--write", action="store_true", help="also put the table into deploy/README.md")
    given = parser.parse_args()
    walk = take(given.redis_away, clone=not given.no_clone)
    sys.stdout.write(table(walk) + "\n")
    if given.write:
        replace_block("walk", table(walk))
    sys.exit(bool(walk.account.balance))


if __name__ == "__main__":
    main()
