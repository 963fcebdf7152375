"""The fleet of the story: Redis, three producers that share one cameras.yaml, and workers of a bounded share of a core each."""

import signal
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import redis
import yaml

from ferstream.streams.errors import FerstreamError
from ferstream.streams.frames.account import Account, read_account
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result
from tests.plays.scale_out.gauges import Scrape, parse
from tests.plays.scale_out.processes import Part
from tests.plays.scale_out.quota import CpuQuota, cpu_s

#: Two for each of three producers, by the rule of producer/config/partition.py.
CAMERAS = ("stairs", "ramp", "door", "hall", "gate", "cellar")
PRODUCERS = 3
#: Frames that a worker holds from read to answer: half a second's work at 15 a second, as 64 are at a node's 130.
WINDOW = 8
GROUP = "workers"
#: A worker's share of a core while it loads its models: those that serve are not to stand still meanwhile.
STARTING_CORES = 0.5
KEYS = Keys()


class Fleet:
    """Use as a context."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.quota_cores: float | None = None
        self.workers: dict[str, Part] = {}
        self._producers: dict[str, Part] = {}
        self._quotas: dict[str, CpuQuota] = {}
        self._seen: dict[int, Scrape] = {}  # by process id; of those that have left, the last
        self._left: list[dict[str, Any]] = []  # last words of workers that are gone
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        server = self._stack.enter_context(EmbeddedRedis())
        self.url = server.url
        self.client: redis.Redis = connect(self.url)
        self._stack.callback(self.client.close)
        self._pool = self._stack.enter_context(ThreadPoolExecutor(8))
        self._stack.callback(self._close_quotas)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def load(self, frames_per_second: float) -> None:
        """What all cameras together give from now on: cameras.yaml is written anew, and producers are told by SIGHUP."""
        fps = round(frames_per_second / len(CAMERAS), 3)
        file = self.folder / "cameras.yaml"
        file.write_text(yaml.safe_dump({"cameras": {name: {"url": "portraits:", "fps": fps} for name in CAMERAS}}))
        for producer in self._producers.values():
            producer.signal(signal.SIGHUP)

    def start_producers(self) -> None:
        for number in range(PRODUCERS):
            sharing = ("--cameras", str(self.folder / "cameras.yaml"), "--partition", f"{number}/{PRODUCERS}")
            arguments = ("run", "--redis", self.url, "--json", "--stay", *sharing)
            name = f"producer-{number}"
            self._producers[name] = self._stack.enter_context(
                Part(name, "ferstream.producer.cli", *arguments, folder=self.folder)
            )
        for producer in self._producers.values():
            producer.wait_until_ready()

    def start_workers(self, *names: str) -> None:
        """Returns once all are ready."""
        arguments = ("--redis", self.url, "--json", "--device", "cpu", "--threads", "1", "--window", str(WINDOW))
        started = {
            name: Part(name, "ferstream.workers.cli", "run", "--name", name, *arguments, folder=self.folder) for name in names
        }
        for part in started.values():
            self._stack.callback(part.kill)
        with ExitStack() as starting:
            if self.quota_cores is not None:
                for part in started.values():
                    starting.enter_context(CpuQuota(part.process.pid, STARTING_CORES))
            for part in started.values():
                part.wait_until_ready()
        with self._lock:
            self.workers |= started
        for name in started:
            self._bound(name)

    def bound_workers(self, cores: float) -> None:
        """Give each worker, those to come too, this share of a core and no more."""
        self.quota_cores = cores
        for name in self.workers:
            self._bound(name)

    def drain_workers(self, *names: str) -> None:
        """SIGTERM: they stop reading, finish, publish, acknowledge, leave."""
        for name in names:
            self.workers[name].signal(signal.SIGTERM)
        for name in names:
            words = self.workers[name].wait()
            self._forget(name)
            self._left.append(words | {"worker": name, "exit": "drained"})

    def kill_worker(self, name: str) -> None:
        """SIGKILL while it holds frames."""
        self.sample()
        self._unbound(name)
        self._left.append({"worker": name, "exit": "killed", "held": self._stop_with_frames(name)})
        self.workers[name].kill()
        self._forget(name)

    def cpu_s(self, name: str) -> float:
        return cpu_s(psutil.Process(self.workers[name].process.pid))

    def sample(self) -> Scrape:
        """The sums over all processes that ever were; a process that does not answer counts with what it said last."""
        with self._lock:
            parts: list[Part] = [*self._producers.values(), *self.workers.values()]
        for part, page in zip(parts, self._pool.map(lambda part: part.get("/metrics"), parts), strict=True):
            if page is not None:
                self._seen[part.process.pid] = parse(page)
        return sum(list(self._seen.values()), Scrape())

    def waiting(self) -> int:
        """Frames in Redis, delivered and not."""
        return int(self.client.xlen(KEYS.frames(0)))

    def results(self) -> Iterable[Result]:
        entries: Any = self.client.xrange(KEYS.results(0))
        return [decode_result(entry_id.decode(), fields) for entry_id, fields in entries]

    def end(self) -> tuple[Account, list[dict[str, Any]]]:
        """Stop in the order of a frame's way, and let the workers finish; returns the account and the workers' last words."""
        for producer in self._producers.values():
            producer.signal(signal.SIGTERM)
        for producer in self._producers.values():
            producer.wait()
        self._wait_until_answered()
        self.drain_workers(*list(self.workers))
        return read_account(self.client, KEYS), self._left

    def _bound(self, name: str) -> None:
        if self.quota_cores is not None:
            self._quotas[name] = CpuQuota(self.workers[name].process.pid, self.quota_cores)

    def _forget(self, name: str) -> None:
        with self._lock:
            self.workers.pop(name)
        self._unbound(name)

    def _unbound(self, name: str) -> None:
        if quota := self._quotas.pop(name, None):
            quota.close()

    def _stop_with_frames(self, name: str, patience_s: float = 10.0) -> int:
        """Let it stand still in the middle of its work; returns how many frames it holds."""
        part, until = self.workers[name], time.monotonic() + patience_s
        while time.monotonic() < until:
            part.signal(signal.SIGSTOP)
            consumers: Any = self.client.xinfo_consumers(KEYS.frames(0), GROUP)
            if held := sum(consumer["pending"] for consumer in consumers if consumer["name"] == name.encode()):
                return int(held)
            part.signal(signal.SIGCONT)
            time.sleep(0.02)
        raise FerstreamError(f"{name} held no frame for {patience_s:g} s")

    def _wait_until_answered(self, patience_s: float = 20.0) -> None:
        until = time.monotonic() + patience_s
        while self.waiting() and time.monotonic() < until:
            time.sleep(0.05)

    def _close_quotas(self) -> None:
        for quota in self._quotas.values():
            quota.close()
