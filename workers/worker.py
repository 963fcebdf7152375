"""A worker: its parts put together, started, watched, and ended in order."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from ferstream.streams.errors import StoreError
from ferstream.streams.frames.finish import FrameFinisher
from ferstream.streams.frames.name_lease import NameLease
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.frames.status_board import StatusBoard
from ferstream.streams.frames.worker_status import FORGET_S, WorkerStatus
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect, is_cluster
from ferstream.streams.service.heartbeat import LoopWatch
from ferstream.streams.service.metrics import CameraLabels, ferstream_version
from ferstream.workers import metrics
from ferstream.workers.gauges import GaugeUpdater
from ferstream.workers.intake.group_membership import GroupMembership
from ferstream.workers.intake.intake import Intake
from ferstream.workers.intake.lease_keeper import LeaseKeeper
from ferstream.workers.models.registry import open_classifier, open_detector
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.pipeline import Pipeline
from ferstream.workers.pipeline.result_publisher import Dispatcher, ResultPublisher
from ferstream.workers.pipeline.stage import Channel
from ferstream.workers.pipeline.watched_cameras import WatchedCameras
from ferstream.workers.settings import WorkerSettings

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

log = logging.getLogger(__name__)

#: A loop that has not come round for this long hangs: each read, each wait and each batch is much shorter.
HANGS_AFTER_S = 60.0
#: Leaving the group, which comes after everything else, may take this long.
LEAVE_S = 5.0


class Worker:
    """Takes frames from Redis and publishes their faces, from `start` to `stop`.

    Raises ModelError on construction where a model cannot be used, and in `start` StoreRefused where Redis refuses for good and
    NameTaken where another worker has its name.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.clock = ServerClock()
        self._ready = False
        self._draining = False
        self._label: Callable[[str], str] = CameraLabels().__getitem__ if settings.camera_labels else (lambda _camera_id: "")
        self._tracing = self._open_tracing()
        where = (settings.device, settings.runtime, settings.threads, settings.precision)
        started = time.perf_counter()
        detector = open_detector(settings.detector, *where)
        log.debug("detector %s opened in %.2f s", detector.card.name, time.perf_counter() - started)
        started = time.perf_counter()
        classifier = open_classifier(settings.classifier, *where)
        log.debug("classifier %s opened in %.2f s", classifier.card.name, time.perf_counter() - started)
        self._computer = (detector.device, detector.library, detector.precision)
        metrics.INFO.labels(*self._computer, detector.card.name, classifier.card.name).set(1)
        # Readers block in Redis for up to half a second. With a client of their own they hold no connection that an answer needs.
        self._reading, self._answering = connect(settings.redis_url), connect(settings.redis_url)
        # A Redis Cluster: one reader and one publisher for each shard, so that a primary that is away holds up its own only.
        shards = settings.keys.shards
        parts = [(shard,) for shard in range(shards)] if is_cluster(settings.redis_url) else [tuple(range(shards))]
        window = settings.window if len(parts) == 1 else max(settings.window, 2 * len(parts))
        readers = [self._reader(part) for part in parts]
        self._name = NameLease(
            StatusBoard(self._answering, settings.keys.workers, forget_s=FORGET_S),
            settings.name,
            self._status,
            taken=f"the name {settings.name} is held by worker",
            advice="give each worker a --name of its own",
        )
        self._membership = GroupMembership(
            self._answering,
            settings.keys,
            settings.group,
            self.clock,
            readers,
            take_name=self._name.take,
            previews=settings.previews != "off",
        )
        channels: list[Channel[FrameTask]] = [Channel(window) for _ in parts]
        finished = channels[0] if len(channels) == 1 else Dispatcher(channels)
        self._watched = None if settings.previews == "off" else WatchedCameras(self._answering, settings.keys, self.clock)
        self._pipeline = Pipeline(settings, detector, classifier, self.clock, finished, self._label, self._tracing, self._watched)
        self._intake = Intake(
            readers,
            self.clock,
            self._pipeline,
            finished,
            window=window,
            max_deliveries=settings.max_deliveries,
            camera_label=self._label,
            reconnect=self._membership.again,
        )
        self._leases = [
            LeaseKeeper(self._answering, settings.keys, settings.group, reader, settings.claim_after_s) for reader in readers
        ]
        self._models = {"detector": detector.card.name, "classifier": classifier.card.name}
        self._publishers = [self._publisher(channel, self._models) for channel in channels]
        self._gauges = GaugeUpdater(
            self._answering,
            settings.keys,
            self.clock,
            readers,
            lambda: [stage.busy_s() for stage in self._pipeline.stages],
            self._name.renew,
        )
        loops = {
            "the reading loop": self._intake.silent_s,
            "the pipeline": self._pipeline.silent_s,
            "the publisher": lambda: max(publisher.silent_s() for publisher in self._publishers),
            "the gauges' loop": self._gauges.silent_s,
            "the loop that renews leases": lambda: max(keeper.silent_s() for keeper in self._leases),
        }
        if self._watched:
            loops["the loop that asks who looks"] = self._watched.silent_s
        self._watch = LoopWatch(loops, HANGS_AFTER_S)

    def start(self, give_up: Callable[[], bool] = lambda: False) -> None:
        """Warm up, wait for Redis, start the stages: what a frame meets last first, so that none waits for a part to come up.

        Returns without having started where `give_up` says so while it waits. Raises StoreRefused where waiting will not help.
        """
        with suppress(StoreError):  # without Redis the name is taken below, when there is one
            self._name.take(give_up)
        self._gauges.start()  # the name is held from now on
        started = time.perf_counter()
        self._pipeline.warm_up()
        log.info("models warm on %s (%s, %s) after %.1f s", *self._computer, time.perf_counter() - started)
        if not self._membership.wait(give_up):
            return
        for publisher in self._publishers:
            publisher.start()
        self._pipeline.start()
        for keeper in self._leases:
            keeper.start()
        if self._watched:
            self._watched.start()
        self._intake.start()
        self._ready = True
        log.info("worker %s reads as %s", self.settings.name, self.settings.group)

    def stop(self) -> None:
        """Drain: stop reading, finish what is held, publish, acknowledge, leave the group.

        Each step has what the ones before it left of `drain_timeout_s`. The order is that of a frame's way: nothing is put into
        a part that has ended, so an entry that was read is either answered or still pending. What is pending when time is up
        another worker claims, and computes while it is fresh.
        """
        self._draining = True  # and its status says so, until everything is answered
        if self._ready:
            until = time.monotonic() + self.settings.drain_timeout_s

            def left_s() -> float:
                return max(0.0, until - time.monotonic())

            if self._watched:
                self._watched.stop()
            self._intake.stop(left_s())
            self._pipeline.finish(left_s())
            # Side by side: the waits for shards that are away do not add up.
            with ThreadPoolExecutor(len(self._publishers)) as pool:
                list(pool.map(lambda publisher: publisher.finish(left_s()), self._publishers))
            for keeper in self._leases:
                keeper.stop()
            if held := self._intake.held():
                log.warning("%d frames left to other workers", held)
            if not self._name.lost:
                self._membership.leave(LEAVE_S)
        self._gauges.stop()
        self._release_name()
        # The clients are left open: a thread that Redis kept beyond its time would fail on a connection closed under its hands.
        if self._tracing:
            self._tracing.close()

    def unhealthy(self) -> str | None:
        """Why this process should be restarted, or None."""
        if self._name.lost:
            return self._name.lost
        return self._watch.problem() if self._ready and not self._draining else None

    def unready(self) -> str | None:
        """Why no work should be expected of this process now, or None."""
        if not self._ready:
            return "warming up"
        if self._draining:
            return "draining"
        problems = [publisher.problem for publisher in self._publishers]
        return self._intake.problem or (None if None in problems else problems[0])

    def _status(self) -> WorkerStatus:
        settings, (device, runtime, precision) = self.settings, self._computer
        return WorkerStatus(
            name=settings.name,
            state=self.unready() or "ready",
            device=device,
            runtime=runtime,
            precision=precision,
            models=self._models,
            frames_per_second=round(self._gauges.frames_per_second, 2),
            busy=round(self._gauges.busy, 3),
            held=self._intake.held(),
            previews=settings.previews,
            version=ferstream_version(),
            prefix=settings.keys.prefix,
            shards=tuple(range(settings.keys.shards)),
            group=settings.group,
        )

    def _release_name(self) -> None:
        try:
            self._name.release()
        except StoreError as error:  # the status falls silent by itself, and the name is free then
            log.debug("the name was not released: %s", error)

    def _open_tracing(self) -> "Tracing | None":
        if self.settings.trace_endpoint is None:
            return None
        from ferstream.streams.service.tracing import Tracing  # an extra

        return Tracing(self.settings.trace_endpoint, "fer-worker", self.settings.name, self.clock)

    def _reader(self, shards: tuple[int, ...]) -> FrameReader:
        settings = self.settings
        return FrameReader(
            self._reading,
            settings.keys,
            group=settings.group,
            consumer=settings.name,
            claim_after_s=settings.claim_after_s,
            shards=shards,
        )

    def _publisher(self, finished: Channel[FrameTask], models: dict[str, str]) -> ResultPublisher:
        settings = self.settings
        finisher = FrameFinisher(
            self._answering,
            settings.keys,
            group=settings.group,
            keep_results_s=settings.keep_results_s,
        )
        return ResultPublisher(
            finisher,
            self.clock,
            finished,
            worker=settings.name,
            models=models,
            camera_label=self._label,
            on_ended=self._intake.release,
            keep_dead_pictures=settings.keep_dead_pictures,
            tracing=self._tracing,
        )
