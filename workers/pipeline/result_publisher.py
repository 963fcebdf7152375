"""The publisher's thread: puts frames together again, publishes and acknowledges them, and keeps trying until Redis takes it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ferstream.streams.errors import FerstreamError, StoreError, StoreFull, StoreUnavailable
from ferstream.streams.frames.finish import FrameFinisher
from ferstream.streams.frames.reader import Entry
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.wire.messages import Result
from ferstream.workers import metrics
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.stage import Channel

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

log = logging.getLogger(__name__)
R = TypeVar("R")

#: Frames answered in one MULTI.
BATCH = 32
#: Waits between two tries of a Redis that does not take them.
LEAST_WAIT_S, MOST_WAIT_S = 0.1, 1.0


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
        answered: Callable[[list[Entry]], None],
        tracing: "Tracing | None" = None,
    ) -> None:
        self._finisher, self._clock, self._finished = finisher, clock, finished
        self._worker, self._models = worker, models
        self._label, self._answered, self._tracing = camera_label, answered, tracing
        self._giving_up = threading.Event()
        self._backoff = Backoff(LEAST_WAIT_S, MOST_WAIT_S, healthy_after_s=0.0)
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def alive(self) -> bool:
        return self._thread.is_alive()

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
            except StoreError as error:
                # Refused for good (rights, say): leaving the entries pending lets an operator mend it and loses nothing.
                log.error("cannot answer %d frames: %s", len(batch), error)  # noqa: TRY400 - one line says it all
                metrics.REDIS_ERRORS.labels("refused").inc()
            self._answered([task.entry for task in batch])

    def _answer(self, batch: Sequence[FrameTask]) -> None:
        # The last look at the deadline: a result that comes out later than it promises misleads whoever acts on it.
        now = self._clock.now()
        for task in batch:
            if task.outcome == "answered" and now > task.deadline:
                task.expire()
        expired = [task for task in batch if task.outcome == "expired"]
        self._publish([task for task in batch if task.outcome == "answered"])
        self._expire(expired)
        for task in batch:
            if task.outcome == "dead":
                self._bury(task)
        if self._tracing:
            for task in batch:
                self._trace(self._tracing, task, now)

    def _publish(self, tasks: list[FrameTask]) -> None:
        started = time.perf_counter()
        for task in tasks:
            age = self._clock.now() - task.frame.header.captured_at  # type: ignore[union-attr]  # answered: it has a frame
            metrics.FRAME_AGE.labels("publish").observe(max(0.0, age))
        # A result that came out although its reply was lost is no older than this.
        first_tried_at = self._clock.now() - 1
        waiting, again = tasks, False
        while waiting:
            try:
                if again:
                    # The reply of the last try may be lost although its MULTI ran. Publishing blindly again would give
                    # subscribers each result twice, so first the results that are out are looked for and left out.
                    waiting = self._without_published(waiting, first_tried_at)
                    now = self._clock.now()
                    self._expire([task.expire() for task in waiting if now > task.deadline])
                    waiting = [task for task in waiting if task.outcome == "answered"]
                results = [(task.entry, self._result(task)) for task in waiting]
                ended = self._finisher.publish(results, self._clock.now()) if results else []
            except (StoreUnavailable, StoreFull) as error:
                self._wait(error, first=not again)
                again = True
                continue
            if again:
                self._backoff.succeeded()
            self._count_published(waiting, ended)
            metrics.STAGE_DURATION.labels("publish").observe(time.perf_counter() - started)
            return

    def _without_published(self, tasks: list[FrameTask], since: float) -> list[FrameTask]:
        """The tasks whose MULTI did not run: after a lost reply, a result that is out says that it did."""
        out = self._finisher.published_since([task.entry for task in tasks], self._worker, since)
        done = [task for task in tasks if (task.entry.shard, task.entry.entry_id) in out]
        self._count_published(done, [True] * len(done))
        return [task for task in tasks if task not in done]

    def _count_published(self, tasks: list[FrameTask], ended: list[bool]) -> None:
        now = self._clock.now()
        for task, counted in zip(tasks, ended, strict=True):
            (metrics.PUBLISHED if counted else metrics.REPEATED).labels(self._label(task.camera_id)).inc()
            metrics.END_TO_END.observe(max(0.0, now - task.frame.header.captured_at))  # type: ignore[union-attr]

    def _expire(self, tasks: list[FrameTask]) -> None:
        # A shard at a time: the reply of one is not lost with that of another.
        for shard in sorted({task.entry.shard for task in tasks}):
            self._expire_of_shard([task for task in tasks if task.entry.shard == shard])

    def _expire_of_shard(self, tasks: list[FrameTask]) -> None:
        ended = self._insist(lambda again: self._finisher.expire([task.entry for task in tasks], again=again))
        for task, counted in zip(tasks, ended, strict=True):
            metrics.EXPIRED.labels(self._label(task.camera_id)).inc(counted)

    def _bury(self, task: FrameTask) -> None:
        log.warning("frame %s of %r is dead: %s", task.entry.entry_id, task.camera_id, task.detail, extra=task.log_fields)
        now = self._clock.now()
        counted = self._insist(lambda again: self._finisher.bury(task.entry, task.reason, task.detail, now, again=again))
        metrics.DEAD.labels(task.reason).inc(counted)

    def _trace(self, tracing: "Tracing", task: FrameTask, since: float) -> None:
        if task.frame and tracing.sampled(task.traceparent):
            tracing.answered(task.frame.header, task.outcome, len(task.faces), task.batches, since)

    def _insist(self, call: Callable[[bool], R]) -> R:
        """Call until Redis takes it. `call` is told whether the reply of an earlier try may have been lost.

        A refusal for lack of memory is a reply: nothing was done then. Raises GaveUp.
        """
        first, again = True, False
        while True:
            try:
                reply = call(again)
            except (StoreUnavailable, StoreFull) as error:
                again = again or isinstance(error, StoreUnavailable)
                self._wait(error, first=first)
                first = False
            else:
                if not first:
                    self._backoff.succeeded()
                return reply

    def _wait(self, error: StoreError, *, first: bool) -> None:
        """Wait before the next try; an outage is told once. Raises GaveUp where the worker leaves meanwhile."""
        if first:
            log.warning("%s; holding results until it takes them", error)
        metrics.REDIS_ERRORS.labels("full" if isinstance(error, StoreFull) else "unavailable").inc()
        if self._giving_up.wait(self._backoff.failed()):
            raise GaveUp("leaving unanswered frames to other workers")

    def _result(self, task: FrameTask) -> Result:
        header = task.frame.header  # type: ignore[union-attr]
        return Result(
            camera_id=header.camera_id,
            sequence=header.sequence,
            captured_at=header.captured_at,
            frame_id=task.entry.entry_id,
            width=header.width,
            height=header.height,
            faces=tuple(face for face in task.faces if face is not None),
            models=self._models,
            seconds={stage: round(seconds, 6) for stage, seconds in task.seconds.items()},
            worker=self._worker,
        )
