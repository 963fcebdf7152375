"""A worker: its parts put together, started, watched, and ended in order."""

import logging
import threading
import time
from collections.abc import Callable

from streams.answers import FrameAnswers
from streams.clock import ServerClock
from streams.connection import connect, translated
from streams.errors import RedisError
from streams.reader import FrameReader
from streams.server import check_server
from workers import metrics
from workers.channel import Channel
from workers.frame_task import FrameTask
from workers.intake import Intake
from workers.models.registry import open_classifier, open_detector
from workers.pipeline import Pipeline
from workers.publish import Publisher
from workers.settings import WorkerSettings

log = logging.getLogger(__name__)

#: A reading loop that has not come round for so long hangs.
BEAT_LIMIT_S = 15.0


class Worker:
    """Takes frames from Redis and publishes their faces, until `stop`.

    Raises, on construction, ModelError where a model cannot be used, and RedisError where Redis never will do.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.clock = ServerClock()
        self._ready = False
        self._draining = False
        where = (settings.device, settings.runtime, settings.threads, settings.precision)
        detector = open_detector(settings.detector, *where)
        classifier = open_classifier(settings.classifier, *where)
        self.device = detector.device
        # The blocking reader has a client of its own: its long waits hold up nobody.
        self._reading, self._answering = connect(settings.redis_url), connect(settings.redis_url)
        self._reader = FrameReader(
            self._reading, settings.keys, group=settings.group, consumer=settings.name, claim_after_s=settings.claim_after_s
        )
        finished: Channel[FrameTask] = Channel(settings.window)
        self._pipeline = Pipeline(settings, detector, classifier, self.clock, finished, self._label)
        self._intake = Intake(
            self._reader,
            self.clock,
            self._pipeline.frames,
            finished,
            window=settings.window,
            max_deliveries=settings.max_deliveries,
            camera_label=self._label,
            reconnect=self._reconnect,
        )
        answers = FrameAnswers(
            self._answering,
            settings.keys,
            group=settings.group,
            keep_results_s=settings.keep_results_s,
            keep_dead_pictures=settings.keep_dead_pictures,
        )
        self._publisher = Publisher(
            answers,
            self.clock,
            finished,
            worker=settings.name,
            models={"detector": detector.card.name, "classifier": classifier.card.name},
            camera_label=self._label,
            answered=self._intake.answered,
        )
        self._watch_stop = threading.Event()
        self._watch = threading.Thread(target=self._watching, name="watch", daemon=True)

    def start(self, give_up: Callable[[], bool] = lambda: False) -> None:
        """Warm up, wait for Redis, start the stages. Leaves early, not started, where `give_up` says so."""
        started = time.perf_counter()
        self._pipeline.warm_up()
        log.info("models warm on %s after %.1f s", self.device, time.perf_counter() - started)
        if not self._wait_for_redis(give_up):
            return
        self._publisher.start()
        self._pipeline.start()
        self._intake.start()
        self._watch.start()
        self._ready = True
        log.info("worker %s reads as %s", self.settings.name, self.settings.group)

    def stop(self) -> None:
        """Stop reading, finish what is held, publish, acknowledge, leave the group; what is left others will claim."""
        self._draining = True
        if self._ready:
            until = time.monotonic() + self.settings.drain_timeout_s

            def left_s() -> float:
                return max(0.0, until - time.monotonic())

            self._watch_stop.set()
            self._intake.stop(left_s())
            self._pipeline.finish(left_s())
            self._publisher.finish(left_s())
            if held := self._intake.held():
                log.warning("%d frames left to other workers", held)
            try:
                self._reader.leave()
            except RedisError as error:
                log.warning("could not leave the group: %s", error)
        self._reading.close()
        self._answering.close()

    def unhealthy(self) -> str | None:
        """Why this process should be restarted, or None."""
        if not self._ready or self._draining:
            return None
        if not (self._intake.alive() and self._pipeline.alive() and self._publisher.alive()):
            return "a thread has died"
        silent_s = time.monotonic() - self._intake.beat_at
        return f"the reading loop has not come round for {silent_s:.0f} s" if silent_s > BEAT_LIMIT_S else None

    def unready(self) -> str | None:
        """Why no work should be expected of this process now, or None."""
        if not self._ready:
            return "warming up"
        return "draining" if self._draining else self._intake.problem

    def _label(self, camera_id: str) -> str:
        return camera_id if self.settings.camera_labels else ""

    def _wait_for_redis(self, give_up: Callable[[], bool]) -> bool:
        told = False
        while not give_up():
            try:
                self._join()
            except RedisError as error:
                if type(error) is RedisError:  # refused for good: rights, version, shards
                    raise
                if not told:
                    log.warning("%s; waiting for it", error)
                    told = True
                time.sleep(0.25)
            else:
                return True
        return False

    def _join(self) -> None:
        report = check_server(self._answering, self.settings.keys, self.clock)
        for warning in report.warnings:
            log.warning("%s", warning)
        self._reader.join()

    def _reconnect(self) -> None:
        self.clock.set_from(self._reading)
        self._reader.join()

    def _watching(self) -> None:
        """Once a second: how busy the stages are, and what waits in Redis."""
        before = [stage.busy_s() for stage in self._pipeline.stages]
        at = time.monotonic()
        while not self._watch_stop.wait(1.0):
            busy, now = [stage.busy_s() for stage in self._pipeline.stages], time.monotonic()
            metrics.BUSY.set(min(1.0, max(b - a for a, b in zip(before, busy, strict=True)) / (now - at)))
            before, at = busy, now
            metrics.TRIMMED.set(self._reader.trimmed)
            try:
                metrics.CLOCK_SKEW.set(self.clock.set_from(self._answering))
                metrics.PENDING.set(self._reader.pending(self._answering))
                for shard in range(self.settings.keys.shards):
                    with translated():
                        used = self._answering.memory_usage(self.settings.keys.frames(shard), samples=0)
                    metrics.STREAM_BYTES.labels(str(shard)).set(used or 0)
            except RedisError:  # the reading loop says so and goes on trying; the gauges keep their last values
                continue
