"""The way of a frame through a worker: decode -> detect and crop -> classify, three stages with threads of their own.

What is done to a face between the models stands in workers/faces/crop.py. Here are the queues, which batch pictures and faces
across frames and cameras, the deadline, and what is measured.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ferstream.streams.redis_client.clock import ServerClock
from ferstream.workers import metrics
from ferstream.workers.faces.crop import cut_faces
from ferstream.workers.faces.picture import MAX_SIDE, PictureError, decode_jpeg
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.detector import Boxes, Detector, Picture
from ferstream.workers.models.runtimes.runtime import OomRetry
from ferstream.workers.pipeline.frame_task import FaceTask, FrameTask, Outcome
from ferstream.workers.pipeline.preview_maker import PreviewMaker
from ferstream.workers.pipeline.stage import Channel, FairChannel, Outlet, Stage, WorkChannel
from ferstream.workers.pipeline.watched_cameras import WatchedCameras
from ferstream.workers.settings import WorkerSettings

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

#: What decoding a frame and looking for faces in it costs, in faces classified (workers/sizing/capacity.json).
FRAME_WORK = 3


class Pipeline:
    """Turns the frames put into it into finished tasks in `finished`: answered, expired or dead, each exactly once.

    Cameras are served in turn, by the work that their frames and faces cause. `camera_label` gives the label of a camera's
    metrics. With `watched` it makes previews of the cameras that somebody looks at.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        detector: Detector,
        classifier: Classifier,
        clock: ServerClock,
        finished: Outlet[FrameTask],
        camera_label: Callable[[str], str],
        tracing: "Tracing | None" = None,
        watched: WatchedCameras | None = None,
    ) -> None:
        self._settings, self._clock, self._label, self._tracing = settings, clock, camera_label, tracing
        self._detector, self._classifier = detector, classifier
        self._finished = finished
        self._detect_retry = _oom_retry("detector", settings.detect_batch_size)
        self._classify_retry = _oom_retry("classifier", settings.max_batch_size)
        threads = settings.threads
        # On a GPU one thread keeps the device fed; on a CPU each core computes a batch of its own.
        callers = 1 if detector.device.startswith("cuda") else threads
        # A camera waits here while it keeps the classifier busy for eight batches: further on it would stand before the others.
        enough = 8 * settings.max_batch_size * callers
        self._frames: WorkChannel[FrameTask] = WorkChannel(settings.window, lambda task: task.camera_id, enough)
        # Decoded pictures are what memory goes to: at most two batches of them wait.
        self._pictures: Channel[FrameTask] = Channel(2 * settings.detect_batch_size)
        # Reached only where many cameras show crowds at once, or some did all of a sudden.
        self._faces: Channel[FaceTask] = FairChannel(64 * settings.max_batch_size, lambda face: face.task.camera_id)
        self._previews = watched and PreviewMaker(watched, clock, self._behind, blur=settings.previews == "blur")
        self.stages: list[Stage[FrameTask] | Stage[FaceTask]] = [
            Stage("decode", self._frames, self._decode, partial(self._give_up, "decode"), threads=threads),
            Stage(
                "detect",
                self._pictures,
                self._detect,
                partial(self._give_up, "detect"),
                threads=callers,
                batch_size=settings.detect_batch_size,
            ),
            Stage(
                "classify",
                self._faces,
                self._classify,
                lambda face, error: self._give_up("classify", face.task, error),
                threads=callers,
                batch_size=settings.max_batch_size,
                wait_s=settings.batch_timeout_s,
            ),
        ]

    def put(self, task: FrameTask) -> None:
        """Take a frame in, or end it at once where those of its own camera that wait would make it too late.

        They would fill the worker, and other cameras' frames would be left in Redis.
        """
        takes_s = self._frames.takes_s(task.camera_id)
        if takes_s and self._clock.now() + takes_s > task.deadline:
            self._finished.put(task.expire())
        else:
            self._frames.put(task)

    def warm_up(self) -> None:
        """Run both models on blank pictures of the usual shapes, so that the first camera does not pay for compiling."""
        size = self._classifier.card.input_size
        for count in {1, self._settings.max_batch_size}:
            self._classifier(np.zeros((count, size, size, 3), np.uint8))
        for height, width in ((720, 1280), (480, 640)):
            self._detector([np.zeros((height, width, 3), np.uint8)])

    def start(self) -> None:
        for stage in self.stages:
            stage.start()

    def finish(self, timeout_s: float) -> None:
        """Let every stage end what it has, in the order of a frame's way, within `timeout_s` seconds."""
        until = time.monotonic() + timeout_s
        for stage in self.stages:
            stage.finish(max(0.0, until - time.monotonic()))

    def silent_s(self) -> float:
        """For how long the last stage that works has been at one batch: those before it may wait for it to take theirs."""
        return next((seconds for stage in reversed(self.stages) if (seconds := stage.silent_s())), 0.0)

    def _decode(self, tasks: Sequence[FrameTask]) -> None:
        for task in tasks:
            if task.frame is None:
                raise RuntimeError("only readable frames are decoded")
            header = task.frame.header
            with self._timed("decode", [task]):
                try:
                    if max(header.width, header.height) > MAX_SIDE:
                        raise PictureError("too-large", f"the header says {header.width}x{header.height} px")
                    task.picture = decode_jpeg(task.frame.picture, self._settings.max_pixels)
                except PictureError as error:
                    self._end(task, "dead", error.reason, str(error))
                    continue
            self._pictures.put(task)

    def _detect(self, tasks: Sequence[FrameTask]) -> None:
        # The second look at the deadline, after the wait in two queues and before the most expensive step.
        now = self._clock.now()
        fresh = []
        for task in tasks:
            if task.picture is None:  # done with, before others of its batch failed
                continue
            if now > task.deadline:
                self._end(task, "expired")
            else:
                fresh.append((task, task.picture))
        if not fresh:
            return
        metrics.BATCH_SIZE.labels("detector").observe(len(fresh))
        batch = [task for task, _ in fresh]
        with self._timed("detect", batch), self._traced("detect", batch, len(fresh)):
            found = self._detect_retry(self._detector, [picture for _, picture in fresh])
        for (task, picture), boxes in zip(fresh, found, strict=True):
            self._crop(task, picture, boxes)

    def _crop(self, task: FrameTask, picture: Picture, boxes: Boxes) -> None:
        header = task.frame.header  # type: ignore[union-attr]  # decoded: it has a frame
        with self._timed("crop", [task]):
            crops = cut_faces(picture, boxes, self._classifier.card, (header.width, header.height))
        if self._previews:
            self._previews.show(task, picture, boxes)
        task.picture = None
        metrics.FACES_DETECTED.labels(self._label(task.camera_id)).inc(len(crops))
        if not crops:
            self._end(task, "answered")
            return
        task.expect(len(crops))
        self._faces.put_all([FaceTask(task, index, crop) for index, crop in enumerate(crops)])

    def _behind(self) -> bool:
        """Whether frames or faces wait for a thread."""
        return len(self._frames) + len(self._pictures) + len(self._faces) > 0

    def _classify(self, faces: Sequence[FaceTask]) -> None:
        faces = [face for face in faces if not face.done]
        if not faces:
            return
        metrics.BATCH_SIZE.labels("classifier").observe(len(faces))
        tasks = list({id(face.task): face.task for face in faces}.values())
        with self._timed("classify", tasks), self._traced("classify", tasks, len(faces)):
            rows = self._classify_retry(self._classifier.each, [face.crop.pixels for face in faces])
        card = self._classifier.card
        # All names before the first frame ends: frames that end together are published in one step, not one by one.
        answers = [face.crop.named(row, card) for face, row in zip(faces, rows, strict=True)]
        for face, answer in zip(faces, answers, strict=True):
            metrics.FACES_CLASSIFIED.labels(answer.emotion).inc()
            if face.task.add_face(face.index, answer):
                self._end(face.task, "answered")

    def _give_up(self, stage: str, task: FrameTask, error: Exception) -> None:
        self._end(task, "dead", "stage-failed", f"{stage}: {type(error).__name__}: {error}")

    def _end(self, task: FrameTask, outcome: Outcome, reason: str = "", detail: str = "") -> None:
        """End a frame once: of several faces that fail, say, the first one ends it."""
        if task.end(outcome, reason, detail):
            self._frames.done(task, FRAME_WORK + len(task.faces) if outcome == "answered" else None)
            self._finished.put(task)

    @contextmanager
    def _timed(self, stage: str, tasks: list[FrameTask]) -> Iterator[None]:
        now = self._clock.now()
        for task in tasks:
            metrics.FRAME_AGE.labels(stage).observe(max(0.0, now - task.frame.header.captured_at))  # type: ignore[union-attr]
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        metrics.STAGE_DURATION.labels(stage).observe(seconds)
        for task in tasks:
            task.seconds[stage] = task.seconds.get(stage, 0.0) + seconds

    @contextmanager
    def _traced(self, stage: str, tasks: list[FrameTask], size: int) -> Iterator[None]:
        """A span around a batch of `size` pictures or faces, where one of its frames is traced."""
        sampled = [task for task in tasks if self._tracing.sampled(task.traceparent)] if self._tracing else []
        if not self._tracing or not sampled:
            yield
            return
        with self._tracing.batch(stage, size, [task.traceparent for task in sampled]) as batch:
            for task in sampled:
                task.batches.append(batch)
            yield


def _oom_retry(model: str, limit: int) -> OomRetry:
    return OomRetry(model, limit, metrics.OUT_OF_MEMORY.labels(model).inc)
