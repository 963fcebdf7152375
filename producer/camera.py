"""One camera at work: a thread that captures, a thread that encodes and writes, and a slot between them."""

import threading
import time
from typing import TYPE_CHECKING

from ferstream.producer import metrics
from ferstream.producer.camera_state import Condition
from ferstream.producer.capture import Capture
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.config.camera_url import LIVE_SCHEMES, scheme_of
from ferstream.producer.frame_counts import Account
from ferstream.producer.latest_frame import Slot
from ferstream.producer.publisher import Publisher
from ferstream.producer.redis_link import RedisLink
from ferstream.producer.throttle import Throttle
from ferstream.streams.frames.camera_status import CameraStatus, remove_status

if TYPE_CHECKING:
    from ferstream.streams.service.tracing import Tracing

#: A blocked read ends with its own time-out; nobody waits longer for it than this.
JOIN_S = 8.0


class Camera:
    """Starts on `start`; `stop` asks it to end and `join` waits for that, so that many can end at once."""

    def __init__(
        self,
        config: CameraConfig,
        link: RedisLink,
        account: Account,
        *,
        label: str,
        group: str,
        tracing: "Tracing | None" = None,
    ) -> None:
        self.config, self.account = config, account
        self._link, self._label = link, label
        self._stop = threading.Event()
        self._condition = Condition(config.camera_id, label)
        settings = config.settings
        slot = Slot(Throttle(settings.fps) if settings.realtime else None, account.dropped)
        self._slot = slot
        self._capture = Capture(config, slot, link.clock, account, self._condition, self._stop)
        self._publisher = Publisher(
            config,
            slot,
            link.of(config.camera_id),
            account,
            self._condition,
            label=label,
            group=group,
            tracer=tracing.camera(config.camera_id) if tracing else None,
        )
        self._threads = [
            threading.Thread(target=self._capture.run, name=f"capture-{config.camera_id}", daemon=True),
            threading.Thread(target=self._publisher.run, name=f"publish-{config.camera_id}", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more frames; the one in hand is still written."""
        self._stop.set()
        self._slot.close()
        self._publisher.stopping.set()

    def join(self) -> bool:
        """Wait, bounded, for the last frame and the last beat; false if something still hangs."""
        end = time.monotonic() + JOIN_S
        # The publisher first: the account is closed when it ends, and a capture that hangs in a read can be left.
        for thread in reversed(self._threads):
            thread.join(max(0.0, end - time.monotonic()))
        return not self._threads[1].is_alive()

    def remove(self) -> None:
        """After `join`: the camera is gone for good. Raises StoreUnavailable."""
        for gauge in (metrics.LAST_FRAME, metrics.WAITING_BYTES):
            if self._label:
                gauge.remove(self._label)
        self._publisher.retire()
        remove_status(self._link.client, self._link.keys, self.config.camera_id)

    @property
    def finished(self) -> bool:
        """Whether its source has ended and the last frame is written."""
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def failed(self) -> bool:
        """Whether it ended because its source could not be read to the end."""
        return self._capture.failed

    def status(self, producer: str) -> CameraStatus:
        if scheme_of(self.config.url) in LIVE_SCHEMES:
            self._condition.watch(self.config.settings.stall_after_s)
        return self._condition.status(self.config.shown_url, producer, self._link.clock.now(), self._publisher.waiting_bytes)
