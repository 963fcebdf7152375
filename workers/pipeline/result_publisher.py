"""The publisher's thread: puts frames together again, ends them in Redis, and keeps trying until Redis takes it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ferstream.streams.errors import FerstreamError, StoreError, StoreFull, StoreUnavailable
from ferstream.streams.frames.finish import Ending, FrameFinisher, answered, dead, expired
from ferstream.streams.frames.reader import Entry
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.messages import Result
from ferstream.workers import metrics
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.stage import Channel

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

log = logging.getLogger(__name__)

#: Frames ended in one step.
BATCH = 32
#: Waits between two tries of a Redis that does not take them.
LEAST_WAIT_S, MOST_WAIT_S = 0.1, 1.0
_KINDS = {StoreUnavailable: "unavailable", StoreFull: "full"}


class Dispatcher:
    """Leaves each frame to the publisher that ends those of its shard; `channels` are the publishers', in turn."""

    def __init__(self, channels: Sequence[Channel[FrameTask]]) -> None:
        self._channels = channels

    def put(self, task: FrameTask) -> None:
        self._channels[task.entry.shard % len(self._channels)].put(task)


class GaveUp(FerstreamError):
    """The worker leaves while Redis does not take its answers: other workers will claim the frames."""


class ResultPublisher:
    """Answers the tasks of `finished` in one thread until that channel is closed and empty, or `finish` runs out of time."""

    def __init__(
        self,
        finisher: FrameFinisher,
        clock: ServerClock,
        finished: Channel[FrameTask],
        *,
        worker: str,
        models: dict[str, str],
        camera_label: Callable[[str], str],
        on_ended: Callable[[list[Entry]], None],
        keep_dead_pictures: bool = False,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._finisher, self._clock, self._finished = finisher, clock, finished
        self._worker, self._models = worker, models
        self._label, self._on_ended, self._tracing = camera_label, on_ended, tracing
        self._keep_dead_pictures = keep_dead_pictures
        self._giving_up = threading.Event()
        self._backoff = Backoff(LEAST_WAIT_S, MOST_WAIT_S, healthy_after_s=0.0)
        self._heartbeat = Heartbeat()
        self._thread = vital_thread(self._run, "publish")
        self.problem: str | None = None  # why Redis does not take what it was last asked to

    def start(self) -> None:
        self._thread.start()

    def silent_s(self) -> float:
        """For how long it has been at one call of Redis; 0 while there is nothing to answer."""
        return self._heartbeat.silent_s()

    def finish(self, timeout_s: float) -> None:
        """Answer what is there, then end; what Redis does not take in time is left to other workers.

        Called last in a drain, when no stage puts anything into `finished` any more. What is left stays pending in the group, and
        another worker claims it once it has been idle for long enough: nothing is lost that is still fresh.
        """
        self._finished.close()
        self._thread.join(timeout_s)
        self._giving_up.set()
        self._thread.join(2 * MOST_WAIT_S)

    def _run(self) -> None:
        while batch := self._finished.get_batch(BATCH):
            try:
                self._answer(batch)
            except GaveUp:
                return
            self._on_ended([task.entry for task in batch])
            self._heartbeat.rest()

    def _answer(self, batch: Sequence[FrameTask]) -> None:
        started, now = time.perf_counter(), self._clock.now()
        for task in batch:
            if task.outcome == "answered":
                captured_at = task.frame.header.captured_at  # type: ignore[union-attr]  # answered: it has a frame
                metrics.FRAME_AGE.labels("publish").observe(max(0.0, now - captured_at))
            elif task.outcome == "dead":
                log.warning("frame %s of %r is dead: %s", task.entry.entry_id, task.camera_id, task.detail, extra=task.log_fields)
        for shard in sorted({task.entry.shard for task in batch}):
            self._end(shard, [task for task in batch if task.entry.shard == shard])
        metrics.STAGE_DURATION.labels("publish").observe(time.perf_counter() - started)
        if self._tracing:
            for task in batch:
                self._trace(self._tracing, task, now)

    def _end(self, shard: int, tasks: list[FrameTask]) -> None:
        """End these frames, however long Redis takes. Raises GaveUp.

        Also where Redis refuses (rights, say) until somebody mends it. What was let go would be pending with us, claimed by the
        next worker that is refused, and delivered until it counts as a killer of workers.
        """
        tries = 0
        while True:
            self._heartbeat.beat()
            try:
                ended = self._finisher.end(shard, [self._ending(task) for task in tasks], self._clock.now())
            except StoreError as error:
                self._wait(error, first=not tries)
                tries += 1
                continue
            if tries:
                self._backoff.succeeded()
                self.problem = None
            # After a lost reply the first call may have ended what this one did not: they were held by us.
            self._count(tasks, [by_us or tries > 0 for by_us in ended])
            return

    def _ending(self, task: FrameTask) -> Ending:
        # The last look at the deadline: a result that comes out later than it promises misleads whoever acts on it.
        now = self._clock.now()
        if task.outcome == "answered" and now > task.deadline:
            task.expire()
        if task.outcome == "answered":
            return answered(task.entry, self._result(task), task.preview, task.watched_until)
        if task.outcome == "expired":
            return expired(task.entry)
        return dead(task.entry, task.reason, task.detail, now, keep_picture=self._keep_dead_pictures)

    def _count(self, tasks: list[FrameTask], ended: list[bool]) -> None:
        now = self._clock.now()
        for task, by_us in zip(tasks, ended, strict=True):
            label = self._label(task.camera_id)
            if not by_us:
                metrics.REPEATED.labels(label).inc()
            elif task.outcome == "expired":
                metrics.EXPIRED.labels(label).inc()
            elif task.outcome == "dead":
                metrics.DEAD.labels(task.reason).inc()
            else:
                metrics.PUBLISHED.labels(label).inc()
                metrics.END_TO_END.observe(max(0.0, now - task.frame.header.captured_at))  # type: ignore[union-attr]

    def _trace(self, tracing: "Tracing", task: FrameTask, since: float) -> None:
        if task.frame and tracing.sampled(task.traceparent):
            tracing.answered(task.frame.header, task.outcome, len(task.faces), task.batches, since)

    def _wait(self, error: StoreError, *, first: bool) -> None:
        """Wait before the next try; an outage is told once. Raises GaveUp where the worker leaves meanwhile."""
        if first:
            log.warning("%s; holding results until it takes them", error)
        self.problem = str(error)
        metrics.REDIS_ERRORS.labels(_KINDS.get(type(error), "refused")).inc()
        if self._giving_up.wait(self._backoff.failed()):
            raise GaveUp("leaving unanswered frames to other workers")

    def _result(self, task: FrameTask) -> Result:
        header = task.frame.header  # type: ignore[union-attr]
        return Result(
            camera_id=header.camera_id,
            sequence=header.sequence,
            captured_at=header.captured_at,
            media_time=header.media_time,
            frame_id=task.entry.entry_id,
            width=header.width,
            height=header.height,
            faces=tuple(face for face in task.faces if face is not None),
            models=self._models,
            seconds={stage: round(seconds, 6) for stage, seconds in task.seconds.items()},
            worker=self._worker,
        )
