"""The second half of a camera: takes its latest frame, encodes it, writes it to Redis and counts what became of it."""

import logging
import math
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ferstream.producer import metrics
from ferstream.producer.blackout import Blackout
from ferstream.producer.camera_state import CameraState, FrameCounts, FreezeDetector
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.encoder import EncodeError, JpegEncoder
from ferstream.producer.latest_frame import Captured, LatestFrame
from ferstream.producer.redis_link import RedisLink, ShardLink
from ferstream.streams.errors import StoreError, StoreFull, StoreUnavailable
from ferstream.streams.frames.writer import FrameWriter
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
        producer: str,
        label: str,
        group: str,
        tracer: "CameraTracer | None" = None,
    ) -> None:
        settings = camera.settings
        self._camera_id, self._latest, self._link = camera.camera_id, latest, link
        self._producer = producer
        self._counts, self._state, self._label, self._tracer = counts, state, label, tracer
        self._lossless = not settings.realtime
        self._freshness_s, self._budget_bytes = settings.freshness_budget_s, settings.budget_bytes
        blackout = Blackout(settings.mask, settings.region) if settings.mask or settings.region else None
        self._encoder = JpegEncoder(settings.max_side, settings.jpeg_quality, blackout)
        self._freeze = FreezeDetector(settings.frozen_after_s)
        self._writer = FrameWriter(
            link.client,
            link.keys,
            link.clock,
            camera.camera_id,
            group=group,
            budget_bytes=settings.budget_bytes,
            drops=counts.unaccounted,
            on_dropped=counts.withdrawn,
        )
        self._generation = 0
        self._maintain_at = 0.0
        self._holding = False  # a frame of a file, which is tried again until Redis has it
        self.stopping = threading.Event()
        self.last_loop = math.inf  # on the monotonic clock, once it runs
        self.permitted_until = 0.0  # on the monotonic clock: the lease of the camera's name

    @property
    def waiting_bytes(self) -> int:
        return self._writer.waiting_bytes

    def run(self) -> None:
        """Until the latest frame is taken and there will be no other."""
        while not self._latest.drained:
            self.last_loop = time.monotonic()
            captured = self._latest.take(max(0.0, self._maintain_at - time.monotonic()))
            if captured is not None:
                self._attempt(captured)
            if time.monotonic() >= self._maintain_at:
                try:
                    self._maintain()
                except Exception as error:  # noqa: BLE001 - it is tried again in a second
                    self._state.surprised(error, "its frames in Redis were not looked after")
        self._finish()

    def retire(self) -> None:
        """Leave nothing in Redis of a camera that was removed for good, after `run`. Raises StoreError."""
        self._writer.retire()
        self._link.on_ok()

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
        except Exception as error:  # a surprise with one frame must not end the camera
            if settled:
                fields = about(self._camera_id, captured.sequence, traceparent)
                log.exception("camera %s: its span was not ended", self._camera_id, extra=fields)
            else:
                self._state.surprised(error, "a frame was not written")
                self._counts.dropped("error", 1)

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
            media_time=captured.media_time,
            deadline=captured.captured_at + self._freshness_s,
            width=encoded.width,
            height=encoded.height,
            producer=self._producer,
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
        """Whether the frame is in Redis. If not, it is counted: at once, or by `_settle` after a lost reply."""
        try:
            self._send(frame)
        except StoreUnavailable as error:  # the link tries again
            self._link.on_unavailable(error)
            if not self._writer.uncertain:  # making room for it failed already
                self._counts.dropped("redis_down", 1)
            return False
        except StoreError as error:  # full, or set up wrongly: the next frame is the next try
            self._link.on_error(error)
            self._counts.dropped("redis_full" if isinstance(error, StoreFull) else "redis_refused", 1)
            return False
        return True

    def _send(self, frame: Frame) -> None:
        with metrics.STAGE_DURATION.labels("write").time():
            self._writer.write(frame)
        self._counts.written(1)
        self._link.on_ok()

    def _hold_until_written(self, frame: Frame) -> bool:
        """Write a frame of a file, however long that takes; false if the camera was stopped before.

        Its deadline is counted from the write, not from the capture: the frame waited here, and no worker was late.
        """
        self._holding = True
        try:
            written = self._insist(frame)
        finally:
            self._holding = False
        if not written and not self._writer.uncertain:  # else `_finish` finds out
            self._counts.dropped("stopped", 1)
        return written

    def _insist(self, frame: Frame) -> bool:
        while not self.stopping.is_set():
            self.last_loop = time.monotonic()
            try:
                if self._link.up and self._settle():
                    return True
                if self._ready() and self._has_room(len(frame.picture)):
                    fresh = replace(frame.header, deadline=self._link.clock.now() + self._freshness_s)
                    self._send(Frame(fresh, frame.picture))
                    return True
            except StoreUnavailable as error:
                self._link.on_unavailable(error)
            except StoreError as error:
                self._link.on_error(error)
            self.stopping.wait(RETRY_EVERY_S)
        return False

    def _settle(self) -> bool:
        """Find out what became of a frame whose reply was lost, and count it; whether it was written.

        A frame of a file that was not written is still in hand, and tried again. Raises StoreUnavailable.
        """
        written = self._writer.settle()
        if written:
            self._counts.written(1)
        elif written is False and not self._holding:
            self._counts.dropped("redis_down", 1)
        return bool(written)

    def _has_room(self, size: int) -> bool:
        """Whether the byte budget takes one more; a frame larger than the budget goes alone."""
        writer = self._writer
        if writer.waiting_bytes == 0 or writer.waiting_bytes + size <= self._budget_bytes:
            return True
        self._maintain()
        return writer.waiting_bytes == 0 or writer.waiting_bytes + size <= self._budget_bytes

    def _ready(self) -> bool:
        """Whether Redis is there, what became of frames whose reply was lost is known, and the camera is ours to write."""
        if self._link.up and (self._writer.uncertain or self._link.generation != self._generation):
            self._maintain()
        # Asked last, just before a write: a process that hung for longer than its lease finds out here, not in Redis.
        return self._link.up and not self._writer.uncertain and time.monotonic() < self.permitted_until

    def _maintain(self) -> None:
        self._maintain_at = time.monotonic() + MAINTAIN_EVERY_S
        if not self._link.up:
            return
        generation = self._link.generation
        try:
            if not self._holding:
                self._settle()
            if not self._writer.uncertain:
                self._writer.maintain()
            self._generation = generation
            self._link.on_ok()
        except StoreUnavailable as error:
            self._link.on_unavailable(error)
        except StoreError as error:  # full: reads and deletes still worked
            self._generation = generation
            self._link.on_error(error)
        metrics.WAITING_BYTES.labels(self._label).set(self._writer.waiting_bytes)

    def _finish(self) -> None:
        self._maintain()
        if self._writer.uncertain:  # Redis stays away, and can be asked no more
            self._counts.dropped("redis_down", 1)
