"""A camera whose frames people send: what a producer does for one camera, less the capture.

One thread calls `write`, `maintain` and `leave`; any thread may call the others.
"""

import logging
import threading
import time

import redis

from ferstream.consumer.dashboard.frames import metrics
from ferstream.streams.errors import FerstreamError, StoreError, StoreFull, StoreUnavailable
from ferstream.streams.frames.camera_status import CameraStatus, State
from ferstream.streams.frames.writer import FrameWriter, UnaccountedDrops
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.logs import about
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame

log = logging.getLogger(__name__)

#: A camera that has sent nothing for so long is called stalled.
STALLED_S = 5.0
#: After a failure Redis is left alone for so long: a try may take seconds, and a person's newest frame waits for it.
RETRY_S = 0.2
#: How long `leave` tries to take the camera out of a Redis that is away.
LEAVE_S = 5.0


class NotTaken(FerstreamError):
    """A frame was dropped, and is counted; `reason` is a word for metrics and the account."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class SentCamera:
    """Writes the frames of one camera, keeps its account, and says how it is."""

    def __init__(
        self,
        client: "redis.Redis",
        keys: Keys,
        clock: ServerClock,
        camera_id: str,
        *,
        kind: metrics.Kind,
        producer: str,
        group: str,
        budget_bytes: int,
    ) -> None:
        self.camera_id, self.kind, self.producer, self.clock = camera_id, kind, producer, clock
        self._log = logging.LoggerAdapter(log, about(camera_id))
        self._drops = UnaccountedDrops()
        self._writer = FrameWriter(
            client,
            keys,
            clock,
            camera_id,
            group=group,
            budget_bytes=budget_bytes,
            drops=self._drops,
            on_dropped=self._count_dropped,
        )
        self._lock = threading.Lock()
        self._sequence, self._size = 0, (0, 0)
        self._last_frame_at: float | None = None
        self._last_frame, self._frames, self._counted_since = 0.0, 0, time.monotonic()
        self._retry_at, self._problem = 0.0, ""
        self._permitted_until = 0.0
        self.lost = ""  # who has taken the name, since this process did not renew it in time

    def permit(self, until: float) -> None:
        """Let it write until then, on the monotonic clock: so long nobody else can have the camera's name."""
        self._permitted_until = until

    def captured(self, width: int, height: int) -> tuple[int, float]:
        """A frame came in, 0x0 px where that is not known: its sequence, and when, on Redis's clock."""
        now = self.clock.now()
        metrics.CAPTURED.labels(self.kind).inc()
        with self._lock:
            self._sequence += 1
            self._frames += 1
            self._last_frame_at, self._last_frame = now, time.monotonic()
            if width:
                self._size = (width, height)
            return self._sequence, now

    def drop(self, reason: str) -> None:
        """A captured frame is given up before Redis had it."""
        self._drops.add(reason, 1)
        self._count_dropped(reason, 1)

    def write(self, frame: Frame) -> None:
        """Put a captured frame into Redis. Raises NotTaken; a frame whose reply was lost is counted when that is known."""
        now = time.monotonic()
        if now < self._retry_at or not self._settled() or now >= self._permitted_until:
            raise self._not_taken("redis_down", self._problem or "Redis does not answer")
        try:
            self._writer.write(frame)
        except StoreUnavailable as error:
            self._failed(error)
            if not self._writer.uncertain:  # making room for it failed already
                raise self._not_taken("redis_down", self._problem) from None
        except StoreError as error:
            self._failed(error)
            raise self._not_taken("redis_full" if isinstance(error, StoreFull) else "redis_refused", self._problem) from None
        else:
            self._problem = ""
            metrics.WRITTEN.labels(self.kind).inc()

    def maintain(self) -> None:
        """Once a second: what the writer has to look after."""
        if not self._settled():
            return
        try:
            self._writer.maintain()
        except StoreError as error:
            self._failed(error)

    def leave(self) -> None:
        """Withdraw the frames that wait, tell the account of the last drops, and leave nothing in Redis."""
        until = time.monotonic() + LEAVE_S
        while True:
            try:
                self._settle()
                self._writer.recall("stopped")
                self._writer.retire()
            except StoreError as error:
                if time.monotonic() >= until:
                    self._log.warning("camera %s could not take leave of Redis: %s", self.camera_id, error)
                    return
                time.sleep(RETRY_S)
            else:
                return

    def status(self) -> CameraStatus:
        """What `fer:cameras` says of it."""
        with self._lock:
            seconds = max(1e-3, time.monotonic() - self._counted_since)
            rate, self._frames, self._counted_since = self._frames / seconds, 0, time.monotonic()
            silent_s = time.monotonic() - self._last_frame
            state: State = "connecting" if self._last_frame_at is None else "stalled" if silent_s > STALLED_S else "live"
            return CameraStatus(
                camera_id=self.camera_id,
                state=state,
                url=f"{self.kind}:",
                last_frame_at=self._last_frame_at,
                sequence=self._sequence,
                width=self._size[0],
                height=self._size[1],
                frames_per_second=round(rate, 2),
                waiting_bytes=self._writer.waiting_bytes,
                problem=f"the page has sent nothing for {silent_s:.0f} s" if state == "stalled" else self._problem,
            )

    def _settled(self) -> bool:
        """Whether it is known what became of the last frame."""
        try:
            self._settle()
        except StoreError as error:
            self._failed(error)
            return False
        return True

    def _settle(self) -> None:
        written = self._writer.settle()
        if written:
            metrics.WRITTEN.labels(self.kind).inc()
        elif written is False:
            self.drop("redis_down")

    def _failed(self, error: StoreError) -> None:
        self._retry_at = time.monotonic() + RETRY_S
        if str(error) != self._problem:
            self._problem = str(error)
            self._log.warning("camera %s: %s; its frames are counted as dropped", self.camera_id, error)

    def _not_taken(self, reason: str, why: str) -> NotTaken:
        self.drop(reason)
        return NotTaken(reason, why)

    def _count_dropped(self, reason: str, frames: int) -> None:
        metrics.DROPPED.labels(self.kind, reason).inc(frames)
