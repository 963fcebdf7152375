"""How a camera is: its state, with a log line at each change, whether its picture is frozen, and what became of its frames."""

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass

from ferstream.producer import metrics
from ferstream.producer.sources.source import SourceInfo
from ferstream.streams.frames.camera_status import CameraStatus, State
from ferstream.streams.frames.writer import UnaccountedDrops
from ferstream.streams.service.logs import about

log = logging.getLogger(__name__)

#: A camera that was surprised is called down for so long after the next try: it may be surprised again.
SURPRISE_SHOWN_S = 10.0


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums since the producer started. `dropped` also holds frames that were written and withdrawn unread later."""

    captured: int
    written: int
    dropped: dict[str, int]


class FrameCounts:
    """Counts one camera's frames: captured = written + dropped, once it has stopped.

    For the summary, and for Prometheus under the label `camera` (nothing where labels are off). `unaccounted` are the drops that
    the account in Redis has still to be told of.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self.unaccounted = UnaccountedDrops()
        self._lock = threading.Lock()
        self._captured, self._written = 0, 0
        self._dropped: Counter[str] = Counter()
        metrics.CAPTURED.labels(label)
        metrics.WRITTEN.labels(label)
        metrics.RECONNECTS.labels(label)

    def captured(self) -> None:
        with self._lock:
            self._captured += 1
        metrics.CAPTURED.labels(self._label).inc()

    def written(self, frames: int) -> None:
        with self._lock:
            self._written += frames
        metrics.WRITTEN.labels(self._label).inc(frames)

    def dropped(self, reason: str, frames: int) -> None:
        """Frames that were captured and are not in Redis, and not in its account."""
        self.unaccounted.add(reason, frames)
        self.withdrawn(reason, frames)

    def withdrawn(self, reason: str, frames: int) -> None:
        """Frames that were in Redis: it has accounted for them, or is told by their writer."""
        with self._lock:
            self._dropped[reason] += frames
        metrics.DROPPED.labels(self._label, reason).inc(frames)

    def totals(self) -> Totals:
        with self._lock:
            return Totals(self._captured, self._written, dict(self._dropped))


class CameraState:
    """One camera's state, changed by its capturing and its writing thread, read by the one that reports."""

    def __init__(self, camera_id: str, label: str) -> None:
        self._camera_id, self._label = camera_id, label
        self._log = logging.LoggerAdapter(log, about(camera_id))
        self._lock = threading.Lock()
        self._state: State = "connecting"
        self._problem = ""
        self._surprise, self._surprise_until = "", 0.0
        self._info = SourceInfo(0, 0, 0.0, "")
        self._size = (0, 0)
        self._last_frame_at: float | None = None
        self._last_frame = 0.0
        self._sequence = 0
        self._was_live = False
        self._reconnects = 0
        self._frames, self._counted_since, self._rate = 0, time.monotonic(), 0.0

    @property
    def state(self) -> State:
        with self._lock:
            return self._state

    def opened(self, info: SourceInfo) -> None:
        """Its source is open. The camera is called live with its first frame."""
        with self._lock:
            self._info = info

    def frame(self, width: int, height: int, sequence: int, captured_at: float) -> None:
        """A frame came in."""
        with self._lock:
            self._size, self._sequence, self._last_frame_at = (width, height), sequence, captured_at
            self._frames += 1
            self._last_frame = time.monotonic()
            first = self._state not in ("live", "frozen")
            again = first and self._was_live
            if first:
                self._state, self._problem, self._was_live = "live", "", True
                self._reconnects += again
        metrics.LAST_FRAME.labels(self._label).set(captured_at)
        if again:
            metrics.RECONNECTS.labels(self._label).inc()
        if first:
            info = self._info
            rate = f" at {info.fps:.4g} frames/s" if info.fps else ""
            back = " again" if again else ""
            self._log.info("camera %s is live%s: %dx%d%s, %s", self._camera_id, back, width, height, rate, info.codec)

    def lost(self, state: State, problem: str, retry_s: float) -> None:
        """The camera gives no frames: `down` or `stalled`. Logged where it was not so before."""
        if self._change(state, problem):
            self._log.warning(
                "camera %s is %s: %s; next try in %.1f s, then again and again", self._camera_id, state, problem, retry_s
            )

    def surprised(self, error: BaseException, what: str, retry_s: float = 0.0) -> None:
        """One of the camera's threads met what nobody expected: the camera is called down until that is over for a while.

        Logged where it was not so before: each frame may bring it again.
        """
        self._call_down(f"{what}: unexpected {type(error).__name__}", retry_s + SURPRISE_SHOWN_S, error)

    def hangs(self, silent_s: float) -> None:
        """Its writing thread does not come round. Nobody can end a thread; the other cameras have theirs, and go on."""
        self._call_down(f"its frames are not written: the thread that does that hangs (since {silent_s:.0f} s)", 2.0)

    def watch(self, stall_after_s: float) -> None:
        """See from outside that a read hangs where FFmpeg has no time-out (a webcam's)."""
        with self._lock:
            silent_s = time.monotonic() - self._last_frame
        if silent_s > 2 * stall_after_s and self._change("stalled", f"no frame for {stall_after_s:g} s", only_from="live"):
            self._log.warning(
                "camera %s is stalled: no frame for %.0f s, and its read does not come back", self._camera_id, silent_s
            )

    def frozen(self, seconds: float) -> None:
        """Frames come, and have shown the same picture for `seconds`."""
        if self._change("frozen", f"the same picture for {seconds:.0f} s", only_from="live"):
            self._log.warning("camera %s is frozen: the same picture for %.0f s", self._camera_id, seconds)

    def thawed(self) -> None:
        """The picture moves again."""
        if self._change("live", "", only_from="frozen"):
            self._log.info("camera %s moves again", self._camera_id)

    def ended(self, why: str) -> None:
        """There will be no more frames, as expected: a file has ended, or the camera was stopped."""
        if self._change("ended", ""):
            self._log.info("camera %s ended: %s", self._camera_id, why)

    def failed(self, problem: str) -> None:
        """There will be no more frames, though the file had not ended."""
        if self._change("ended", problem):
            self._log.error("camera %s ended: %s", self._camera_id, problem)

    def status(self, url: str, waiting_bytes: int) -> CameraStatus:
        """The camera's status now; `url` already without its password."""
        with self._lock:
            elapsed = time.monotonic() - self._counted_since
            if elapsed >= 1:
                self._rate = self._frames / elapsed
                self._frames, self._counted_since = 0, time.monotonic()
            surprised = time.monotonic() < self._surprise_until
            return CameraStatus(
                camera_id=self._camera_id,
                state="down" if surprised else self._state,
                url=url,
                last_frame_at=self._last_frame_at,
                sequence=self._sequence,
                width=self._size[0],
                height=self._size[1],
                frames_per_second=round(self._rate, 2) if self._state in ("live", "frozen") else 0.0,
                reconnects=self._reconnects,
                waiting_bytes=waiting_bytes,
                problem=self._surprise if surprised else self._problem,
            )

    def _call_down(self, problem: str, for_s: float, error: BaseException | None = None) -> None:
        now, kind = time.monotonic(), problem.partition(" (")[0]
        with self._lock:
            known = kind == self._surprise.partition(" (")[0] and now < self._surprise_until
            self._surprise, self._surprise_until = problem, now + for_s
        self._log.log(
            logging.DEBUG if known else logging.ERROR, "camera %s is down: %s", self._camera_id, problem, exc_info=error
        )

    def _change(self, state: State, problem: str, only_from: State | None = None) -> bool:
        with self._lock:
            if (state, problem) == (self._state, self._problem) or only_from not in (None, self._state):
                return False
            self._state, self._problem = state, problem
            return True


class FreezeDetector:
    """Tells by checksums whether a camera shows the same picture over and over: its sensor hangs while its network part lives.

    A live camera's noise never gives the same checksum for long.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._checksum: int | None = None
        self._since = self._seen = 0.0

    def same_for(self, checksum: int) -> float:
        """For how many seconds the picture has been the same, once that is long enough to say so; else zero."""
        now = time.monotonic()
        # After a gap as long as that the camera was away, not frozen.
        if checksum != self._checksum or now - self._seen > self._after_s:
            self._checksum, self._since = checksum, now
        self._seen = now
        seconds = now - self._since
        return seconds if seconds >= self._after_s else 0.0
