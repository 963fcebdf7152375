"""The rig of a scenario: Redis, a proxy before it, producers, workers, and a watcher from the side, all of them real."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import redis

from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.faults.pictures import draw_pictures
from tests.faults.scenario import Program, Scenario
from tests.faults.server import Server, clock_preload
from tests.faults.watcher import FrameName, Watcher
from tests.plays.scale_out.processes import Part
from tests.support.fleet import wait_until
from tests.support.proxy import Proxy
from tests.support.redis_cluster import RedisCluster

SHARDS_OF_CLUSTER = 6


class Rig:
    """Use as a context: inside it frames flow. A fault reaches everything by its name here.

    server: the Redis, of a cluster none. replica: of a replicated one. proxy: between it and the programs, where the scenario
    wants one. client: straight to Redis. log: a `fer-consumer log`, where the fault starts one.
    """

    server: Server
    replica: Server
    cluster: RedisCluster
    proxy: Proxy
    client: "redis.Redis"
    log: Part

    def __init__(self, scenario: Scenario, seed: int, folder: Path) -> None:
        self.scenario, self.load, self.folder = scenario, scenario.load, folder
        self.random = random.Random(seed)
        self.seed = seed
        self.keys = Keys(shards=SHARDS_OF_CLUSTER if scenario.redis == "cluster" else 1)
        self.workers: dict[str, Part] = {}
        self.producers: dict[str, Part] = {}
        self.killed_producers = 0
        self._captured: list[FrameName] = []
        self._witness_read = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            draw_pictures(self.folder)
            direct = self._start_redis()
            self.client = connect(direct)
            self._stack.callback(self.client.close)
            self.watcher = self._stack.enter_context(Watcher(direct, self.keys))
            for number in range(self.load.workers):
                self.start_worker(f"worker-{number}", ready=False)
            for worker in self.workers.values():
                worker.wait_until_ready()
            self.start_producer("producer")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    # What a fault asks for.

    @property
    def parts(self) -> list[Part]:
        return [*self.producers.values(), *self.workers.values()]

    def enter(self, context: Any) -> Any:
        """Something that the fault needs until the end of the run."""
        return self._stack.enter_context(context)

    def start_worker(self, name: str, *, ready: bool = True, **variables: str) -> Part:
        options = ("--json", "--name", name, "--threads", "1", "--device", "cpu", *self.load.options)
        part = self.start(name, "tests.faults.inside.worker", options, self.load.worker | variables | self._clock_of("worker"))
        self.workers[name] = part
        return part.wait_until_ready() if ready else part

    def start_producer(self, name: str, cameras: Iterable[str] = (), *options: str, **variables: str) -> Part:
        """With the load's cameras, or those given as NAME=URL."""
        given = cameras or (f"cam-{number}={self.folder / self.load.pictures}" for number in range(self.load.cameras))
        usual = ("--json", "--fps", f"{self.load.fps:g}", "--loop", "--stay", "--freshness", f"{self.load.freshness_s:g}")
        words = (*usual, *options, *(word for camera in given for word in ("--camera", camera)))
        witness = {"WITNESS": str(self.folder / "witness"), "SEED": str(self.seed)}
        more = variables | witness | self._clock_of("producer")
        part = self.start(name, "tests.faults.inside.producer", words, self.load.producer | more)
        self.producers[name] = part
        return part

    def start(self, name: str, module: str, options: tuple[str, ...], variables: dict[str, str], command: str = "run") -> Part:
        """A program of this deployment."""
        shards = ("--shards", str(self.keys.shards)) if self.keys.shards > 1 else ()
        part = Part(name, module, command, "--redis", self.url, *shards, *options, folder=self.folder, variables=variables)
        self._stack.callback(part.kill)
        self.watcher.watch(part.process.pid)
        return part

    def kill(self, part: Part) -> None:
        """SIGKILL."""
        self.killed_producers += part.name in self.producers
        part.kill()
        self._forget(part)

    def stop(self, part: Part) -> None:
        """SIGTERM, and wait until it has left in order."""
        part.stop()
        self._forget(part)

    def pause(self, seconds: float, *pids: int) -> None:
        """SIGSTOP, and SIGCONT that much later."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    def wait_for_answers(self, count: int, patience_s: float = 60.0) -> None:
        """Until so many more frames are answered."""
        so_far = len(self.watcher.seen.answers)
        self.wait_until(lambda: len(self.watcher.seen.answers) >= so_far + count, patience_s)

    def wait_for_camera(self, camera: str, count: int, patience_s: float = 60.0) -> None:
        """Until a camera has given so many more frames."""
        so_far = sum(name == camera for name, _ in self.captured())
        self.wait_until(lambda: sum(name == camera for name, _ in self.captured()) >= so_far + count, patience_s)

    def wait_until(self, condition: Callable[[], object], patience_s: float = 60.0) -> None:
        """Raises FerstreamError where a program ends meanwhile that should not."""

        def come_true() -> object:
            ended = next((part for part in self.parts if not part.running()), None)
            if ended is not None:
                raise FerstreamError(f"{ended.name} ended: {ended.last_line()}")
            return condition()

        wait_until(come_true, patience_s)

    # What the run asks for.

    def captured(self) -> list[FrameName]:
        """Every frame that the cameras gave so far, by the witness."""
        with (self.folder / "witness").open("ab+") as file:
            file.seek(self._witness_read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._witness_read += len(whole)
        for line in whole.decode().splitlines():
            camera, _, sequence = line.rpartition(" ")
            self._captured.append((camera, int(sequence)))
        return self._captured

    def drain(self, patience_s: float = 60.0) -> None:
        """Stop the cameras, wait until nothing is in flight, stop the workers."""
        for producer in list(self.producers.values()):
            self.stop(producer)
        until = time.monotonic() + patience_s
        while self.watcher.frames_waiting() != 0 and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)  # the watcher reads the last of them
        for worker in list(self.workers.values()):
            self.stop(worker)

    def _forget(self, part: Part) -> None:
        self.workers.pop(part.name, None)
        self.producers.pop(part.name, None)

    def _clock_of(self, program: Program) -> dict[str, str]:
        """Variables of a program whose clock the fault puts; else none."""
        return clock_preload(self.folder) if self.scenario.clocked == program else {}

    def _start_redis(self) -> str:
        """Returns the URL that leads straight there; the programs' own is `url`."""
        kind = self.scenario.redis
        if kind == "cluster":
            self.cluster = self._stack.enter_context(RedisCluster())
            self.url = self.cluster.url
            return self.url
        self.server = self._stack.enter_context(Server(self.folder, durable=kind == "durable", preload=self._clock_of("redis")))
        port = straight = self.server.port
        if kind == "replicated":
            self.replica = self._stack.enter_context(Server(self.folder, follow=port))
            self.straight = self._stack.enter_context(Proxy(("127.0.0.1", port)))
            straight = self.straight.port
        if self.scenario.proxied:
            self.proxy = self._stack.enter_context(Proxy(("127.0.0.1", port)))
            port = self.proxy.port
        user = ""
        if kind == "users":
            self.server.client.acl_setuser("app", enabled=True, passwords=["+secret"], keys=["*"], commands=["+@all"])
            user = "app:secret@"
        self.url = f"redis://{user}127.0.0.1:{port}/0"
        return f"redis://127.0.0.1:{straight}/0"
