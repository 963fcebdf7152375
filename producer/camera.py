"""One camera at work: a thread that captures, a thread that encodes and writes, and the latest frame between them."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ferstream.producer import metrics
from ferstream.producer.camera_state import CameraState, FrameCounts
from ferstream.producer.capture import Capture
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.config.camera_url import LIVE_SCHEMES, scheme_of
from ferstream.producer.latest_frame import LatestFrame, Throttle
from ferstream.producer.publisher import FramePublisher
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.service.backoff import Backoff

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing


#: A loop that has not come round for this long hangs; a Redis command may take its time-out of 7 s.
HANGS_AFTER_S = 30.0


class Camera:
    """Begins with `start`. `stop` asks it to end, `join` and `release` wait for that: many cameras are stopped first.

    `producer` is the name of this process, host:pid.
    A surprise in one of its threads ends neither the thread nor the process: it is this camera's problem, not that of the others.
    """

    def __init__(
        self,
        config: CameraConfig,
        link: RedisLink,
        counts: FrameCounts,
        *,
        producer: str,
        label: str,
        group: str,
        tracing: "Tracing | None" = None,
    ) -> None:
        self.config, self.counts = config, counts
        self._link, self._label = link, label
        self._stop = threading.Event()
        self._state = CameraState(config.camera_id, label)
        settings = config.settings
        self._latest = LatestFrame(Throttle(settings.fps) if settings.realtime else None, counts.dropped)
        self._capture = Capture(config, self._latest, link.clock, counts, self._state, self._stop)
        self._publisher = FramePublisher(
            config,
            self._latest,
            link.of(config.camera_id),
            counts,
            self._state,
            producer=producer,
            label=label,
            group=group,
            tracer=tracing.camera(config.camera_id) if tracing else None,
        )
        self._threads = [
            threading.Thread(target=self._run, args=(self._capture.run,), name=f"capture-{config.camera_id}", daemon=True),
            threading.Thread(target=self._run, args=(self._publisher.run,), name=f"publish-{config.camera_id}", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more frames. The one in hand is still written."""
        self._stop.set()
        self._latest.close()
        self._publisher.stopping.set()

    def join(self, until: float) -> bool:
        """Wait for the last frame to be written, until then on the monotonic clock; false where writing still hangs."""
        self._threads[1].join(max(0.0, until - time.monotonic()))
        return not self._threads[1].is_alive()

    def permit(self, until: float) -> None:
        """Let it write frames until then, on the monotonic clock: so long nobody else can have the camera's name."""
        self._publisher.permitted_until = until

    def release(self, until: float) -> None:
        """Wait for the source to be closed, until then on the monotonic clock. A read that hangs is left to its own time-out."""
        self._threads[0].join(max(0.0, until - time.monotonic()))

    def remove(self) -> None:
        """Take away its gauges and what its writer keeps in Redis, after `join`. Raises StoreError."""
        for gauge in (metrics.LAST_FRAME, metrics.WAITING_BYTES):
            if self._label:
                gauge.remove(self._label)
        self._publisher.retire()

    @property
    def finished(self) -> bool:
        """Whether its source has ended and the last frame is written."""
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def failed(self) -> bool:
        """Whether it ended because its source could not be read to the end."""
        return self._capture.failed

    def status(self) -> CameraStatus:
        """What `fer:cameras` says of it."""
        if scheme_of(self.config.url) in LIVE_SCHEMES:
            self._state.watch(self.config.settings.stall_after_s)
        silent_s = time.monotonic() - self._publisher.last_loop
        if silent_s > HANGS_AFTER_S and self._threads[1].is_alive():
            self._state.hangs(silent_s)
        return self._state.status(self.config.shown_url, self._publisher.waiting_bytes)

    def _run(self, work: Callable[[], None]) -> None:
        """Capture or publish to the end. After a surprise it is tried again, until the camera is stopped."""
        backoff = Backoff()
        while True:
            try:
                return work()
            except BaseException as error:  # noqa: BLE001 - a thread that ends in silence leaves a camera that looks alive
                wait_s = backoff.failed()
                self._state.surprised(error, "a thread began anew", wait_s)
                if self._stop.wait(wait_s):
                    return None
