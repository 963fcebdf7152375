"""The first half of a camera: opens its source, again and again if need be, and puts frames into the slot."""

import threading
from itertools import count

import av

from ferstream.producer.camera_state import Condition
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.errors import CameraError, CameraStalled
from ferstream.producer.frame_counts import Account
from ferstream.producer.latest_frame import Captured, Slot
from ferstream.producer.sources.factory import source_for
from ferstream.producer.sources.source import Picture, Source
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.backoff import Backoff


class Capture:
    """Runs on a thread of its own until `stop` is set, the source ends, or one that is read as fast as possible fails."""

    def __init__(
        self, camera: CameraConfig, slot: Slot, clock: ServerClock, account: Account, condition: Condition, stop: threading.Event
    ) -> None:
        self._camera, self._slot, self._clock = camera, slot, clock
        self._account, self._condition, self._stop = account, condition, stop
        # Milliseconds of the start: whoever counts on from there never meets the numbers of an earlier run.
        self._sequences = count(int(clock.now() * 1000))
        self._backoff = Backoff()
        self.failed = False

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                source = source_for(self._camera, self._stop)
                try:
                    self._read(source)
                    break
                except CameraError as error:
                    if not self._camera.settings.realtime:
                        # Nobody waits for a file to get better: its reader wants to know that it is incomplete.
                        self.failed = True
                        self._condition.failed(str(error))
                        return
                    self._wait_after(error)
                except Exception as error:  # noqa: BLE001 - one camera's surprise must not end it; its text may hold the URL
                    self._wait_after(CameraError(f"unexpected {type(error).__name__}"))
                finally:
                    source.close()
            self._condition.ended("it was stopped" if self._stop.is_set() else "its source has no more frames")
        finally:
            self._slot.close()

    def _read(self, source: Source) -> None:
        self._condition.opened(source.open())
        for picture in source.frames():
            if not self._put(picture) or self._stop.is_set():
                return
            self._backoff.succeeded()

    def _put(self, picture: Picture) -> bool:
        captured = Captured(picture, next(self._sequences), self._clock.now())
        accepted = self._slot.put(captured, self._account.captured)
        if accepted:
            height, width = (picture.height, picture.width) if isinstance(picture, av.VideoFrame) else picture.shape[:2]
            self._condition.frame(width, height, captured.sequence, captured.captured_at)
        return accepted

    def _wait_after(self, error: CameraError) -> None:
        wait_s = self._backoff.failed()
        self._condition.lost("stalled" if isinstance(error, CameraStalled) else "down", str(error), wait_s)
        self._stop.wait(wait_s)
