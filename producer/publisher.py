"""The second half of a camera: takes its latest frame, encodes it, writes it to Redis and counts what became of it."""

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ferstream.producer import metrics
from ferstream.producer.camera_state import CameraState, FrameCounts, FreezeDetector
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.encoder import EncodeError, JpegEncoder
from ferstream.producer.latest_frame import Captured, LatestFrame
from ferstream.producer.redis_link import RedisLink, ShardLink
from ferstream.streams.errors import StoreError, StoreUnavailable
from ferstream.streams.frames.writer import FrameWriter
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.service.logs import about
from ferstream.streams.wire.messages import Frame, FrameHeader

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import CameraTracer

log = logging.getLogger(__name__)

MAINTAIN_EVERY_S = 1.0
#: How often a frame that must not be lost is tried again while Redis is away, or has no room.
RETRY_EVERY_S = 0.2


class FramePublisher:
    """Encodes and writes one camera's frames on a thread of its own.

    A live camera's frame that cannot be written now is dropped and counted. A frame of a file that is read as fast as possible
    waits until Redis is back and workers have made room in the byte budget.
    """

    def __init__(
        self,
        camera: CameraConfig,
        latest: LatestFrame,
        link: RedisLink | ShardLink,
        counts: FrameCounts,
        state: CameraState,
        *,
        label: str,
        group: str,
        tracer: "CameraTracer | None" = None,
    ) -> None:
        settings = camera.settings
        self._camera_id, self._latest, self._link = camera.camera_id, latest, link
        self._counts, self._state, self._label, self._tracer = counts, state, label, tracer
        self._lossless = not settings.realtime
        self._freshness_s, self._budget_bytes = settings.freshness_budget_s, settings.budget_bytes
        self._encoder = JpegEncoder(settings.max_side, settings.jpeg_quality)
        self._freeze = FreezeDetector(settings.frozen_after_s)
        self._client = connect(link.url)
        self._writer = FrameWriter(
            self._client,
            link.keys,
            link.clock,
            camera.camera_id,
            group=group,
            freshness_s=self._freshness_s,
            budget_bytes=settings.budget_bytes,
            on_drop=self._on_drop,
        )
        self._generation = 0
        self._maintain_at = 0.0
        self._holding, self._refused = False, False  # a frame that is tried again if Redis did not take it
        self._counted = 0  # of what the writer says was written
        self.stopping = threading.Event()

    @property
    def waiting_bytes(self) -> int:
        return self._writer.waiting_bytes

    def run(self) -> None:
        """Until the latest frame is taken and there will be no other."""
        while not self._latest.drained:
            captured = self._latest.take(max(0.0, self._maintain_at - time.monotonic()))
            if captured is not None:
                self._attempt(captured)
            if time.monotonic() >= self._maintain_at:
                try:
                    self._maintain()
                except Exception:  # one surprise must not end the camera; it is tried again in a second
                    log.exception(
                        "camera %s: its frames in Redis were not looked after", self._camera_id, extra=about(self._camera_id)
                    )
        self._finish()

    def retire(self) -> None:
        """Take a camera that was removed for good out of the trimming horizon, after `run`. Raises StoreUnavailable."""
        self._writer.retire()
        self._link.on_ok()
        self._client.close()

    def _attempt(self, captured: Captured) -> None:
        """Publish one frame, inside a span where it is one of those that are traced."""
        traceparent, written, settled = None, False, False
        try:
            span = self._tracer.frame(captured.sequence, captured.captured_at) if self._tracer else None
            traceparent = span.traceparent if span else None
            try:
                written = self._publish(captured, traceparent)
                settled = True
            finally:
                if span:
                    span.end(written)
        except Exception:  # a surprise with one frame must not end the camera
            fields = about(self._camera_id, captured.sequence, traceparent)
            what = "its span was not ended" if settled else "a frame was not written"
            log.exception("camera %s: %s", self._camera_id, what, extra=fields)
            if not settled:
                self._on_drop("error", 1)

    def _publish(self, captured: Captured, traceparent: str | None) -> bool:
        """Whether the frame is in Redis. If not, it is counted: here, or by the writer, which may have to find out first."""
        if not self._lossless and not self._ready():
            self._counts.dropped("redis_down", 1)
            return False
        try:
            with metrics.STAGE_DURATION.labels("encode").time():
                encoded = self._encoder.encode(captured.picture)
        except EncodeError as error:
            fields = about(self._camera_id, captured.sequence, traceparent)
            log.debug("camera %s: %s", self._camera_id, error, extra=fields)
            self._counts.dropped("encode", 1)
            return False
        self._watch(encoded.checksum)
        header = FrameHeader(
            camera_id=self._camera_id,
            sequence=captured.sequence,
            captured_at=captured.captured_at,
            deadline=captured.captured_at + self._freshness_s,
            width=encoded.width,
            height=encoded.height,
            traceparent=traceparent,
        )
        if self._lossless:
            return self._hold_until_written(Frame(header, encoded.jpeg))
        return self._write(Frame(header, encoded.jpeg))

    def _watch(self, checksum: int) -> None:
        seconds = self._freeze.same_for(checksum)
        if seconds:
            self._state.frozen(seconds)
        else:
            self._state.thawed()

    def _write(self, frame: Frame) -> bool:
        """Whether the frame is in Redis. If not, the writer counts it: at once, or in `maintain` after a lost reply."""
        try:
            with metrics.STAGE_DURATION.labels("write").time():
                self._writer.write(frame)
        except StoreUnavailable as error:  # the link tries again; `maintain` finds out whether the frame arrived
            self._link.on_unavailable(error)
            return False
        except StoreError as error:  # full, or set up wrongly: the next frame is the next try
            self._link.on_error(error)
            return False
        finally:
            self._count_written()
        self._link.on_ok()
        return True

    def _hold_until_written(self, frame: Frame) -> bool:
        """Write a frame of a file, however long that takes; false if the camera was stopped before.

        Its deadline is counted from the write, not from the capture: the frame waited here, and no worker was late.
        """
        self._holding = True
        while not self.stopping.is_set():
            if self._ready() and self._has_room(len(frame.picture)):
                self._refused = False
                fresh = replace(frame.header, deadline=self._link.clock.now() + self._freshness_s)
                if self._write(Frame(fresh, frame.picture)) or self._arrived_after_all():
                    self._holding = False
                    return True
            self.stopping.wait(RETRY_EVERY_S)
        self._holding = False
        self._counts.dropped("stopped", 1)
        return False

    def _arrived_after_all(self) -> bool:
        """After a failed write: whether Redis has the frame all the same.

        The reply may have been lost, and writing again at once might write twice. `maintain` looks for the frame as soon as Redis
        answers, and says through `_on_drop` if it is not there. True also where the camera is stopped: then `_finish` looks.
        """
        while not self._refused:
            if self._ready():
                return not self._refused
            if self.stopping.wait(RETRY_EVERY_S):
                return True
        return False

    def _has_room(self, size: int) -> bool:
        """Whether the byte budget takes one more; a frame larger than the budget goes alone."""
        writer = self._writer
        if writer.waiting_bytes == 0 or writer.waiting_bytes + size <= self._budget_bytes:
            return True
        self._maintain()
        return writer.waiting_bytes == 0 or writer.waiting_bytes + size <= self._budget_bytes

    def _on_drop(self, reason: str, frames: int) -> None:
        if self._holding and reason in ("redis_down", "redis_full"):
            self._refused = True  # it is still in hand, and is tried again
        elif frames:
            self._counts.dropped(reason, frames)

    def _ready(self) -> bool:
        """Whether Redis is there, and what became of frames whose reply was lost is known."""
        if self._link.up and self._link.generation != self._generation:
            self._maintain()
        return self._link.up

    def _maintain(self) -> None:
        self._maintain_at = time.monotonic() + MAINTAIN_EVERY_S
        if not self._link.up:
            return
        generation = self._link.generation
        try:
            self._writer.maintain()
            self._generation = generation
            self._link.on_ok()
        except StoreUnavailable as error:
            self._link.on_unavailable(error)
        except StoreError as error:  # full: reads and deletes still worked
            self._generation = generation
            self._link.on_error(error)
        self._count_written()
        metrics.WAITING_BYTES.labels(self._label).set(self._writer.waiting_bytes)

    def _count_written(self) -> None:
        new, self._counted = self._writer.written - self._counted, self._writer.written
        if new:
            self._counts.written(new)

    def _finish(self) -> None:
        self._maintain()
        if not self._link.up:
            self._writer.abandon_uncertain()
        self._client.close()
