"""The first half of a camera: opens its source, again and again if need be, and leaves its frames for the second half."""

import logging
import threading
import time
from contextlib import closing
from itertools import count

import av

from ferstream.producer.camera_state import CameraState, FrameCounts
from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.errors import CameraError, CameraStalled, ConfigError
from ferstream.producer.latest_frame import Captured, LatestFrame
from ferstream.producer.sources.factory import source_for
from ferstream.producer.sources.source import Source, SourceFrame
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.service.logs import about

log = logging.getLogger(__name__)


class Capture:
    """Runs on a thread of its own until `stop` is set, the source ends, or one that is read as fast as possible fails."""

    def __init__(
        self,
        camera: CameraConfig,
        latest: LatestFrame,
        clock: ServerClock,
        counts: FrameCounts,
        state: CameraState,
        stop: threading.Event,
    ) -> None:
        self._camera, self._latest, self._clock = camera, latest, clock
        self._counts, self._state, self._stop = counts, state, stop
        # A sequence counts on from the milliseconds of its start. No camera gives a thousand frames a second, so that the numbers
        # of this run are above those of every earlier one.
        self._sequences = count(int(clock.now() * 1000))
        self._backoff = Backoff()
        self.failed = False

    def run(self) -> None:
        while not (self._stop.is_set() or self.failed):
            try:
                with closing(source_for(self._camera, self._stop)) as source:
                    self._read(source)
                break
            except (CameraError, ConfigError) as error:
                self._failed(error)
            except Exception as error:  # one camera's surprise must not end it; the error's text may hold the URL
                log.debug("camera %s: a surprise", self._camera.camera_id, exc_info=True, extra=about(self._camera.camera_id))
                self._failed(CameraError(f"unexpected {type(error).__name__}"))
        self._latest.close()
        if not self.failed:
            self._state.ended("it was stopped" if self._stop.is_set() else "its source has no more frames")

    def _read(self, source: Source) -> None:
        name, started = self._camera.camera_id, time.monotonic()
        info = source.open()
        log.debug(
            "camera %s: open after %.2f s, %dx%d, %.4g frames/s, %s",
            name,
            time.monotonic() - started,
            info.width,
            info.height,
            info.fps,
            info.codec or "codec not said",
            extra=about(name),
        )
        self._state.opened(info)
        first = True
        for frame in source.frames():
            if self._is_behind(frame):
                return
            if not self._is_wanted(frame):
                continue
            if first:
                log.debug("camera %s: first frame after %.2f s", name, time.monotonic() - started, extra=about(name))
                self._backoff.succeeded()
                first = False
            if not self._put(frame) or self._stop.is_set():
                return

    def _is_behind(self, frame: SourceFrame) -> bool:
        """Whether neither this frame nor one after it is wanted."""
        to_s = self._camera.settings.to_s
        return to_s is not None and (frame.media_time or 0.0) >= to_s

    def _is_wanted(self, frame: SourceFrame) -> bool:
        settings = self._camera.settings
        return frame.number % settings.every == 0 and (frame.media_time or 0.0) >= settings.from_s

    def _put(self, frame: SourceFrame) -> bool:
        picture = frame.picture
        sequence = frame.number if self._camera.settings.frame_numbers else next(self._sequences)
        captured = Captured(picture, sequence, self._clock.now(), frame.media_time)
        accepted = self._latest.put(captured, self._counts.captured)
        if accepted:
            height, width = (picture.height, picture.width) if isinstance(picture, av.VideoFrame) else picture.shape[:2]
            self._state.frame(width, height, captured.sequence, captured.captured_at)
        return accepted

    def _failed(self, error: CameraError | ConfigError) -> None:
        if not self._camera.settings.realtime:
            # A file does not get better by waiting, and its reader must know that it is incomplete.
            self.failed = True
            self._state.failed(str(error))
            return
        wait_s = self._backoff.failed()
        self._state.lost("stalled" if isinstance(error, CameraStalled) else "down", str(error), wait_s)
        self._stop.wait(wait_s)
