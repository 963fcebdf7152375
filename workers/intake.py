"""The reader's thread: takes entries from Redis, no more than the worker has room for, and refuses what is no frame."""

import logging
import random
import threading
import time
from collections.abc import Callable

from streams.clock import ServerClock
from streams.codec import decode_frame
from streams.errors import DecodeError, GroupGone, RedisError, RedisUnavailable
from streams.reader import Entry, FrameReader
from workers import metrics
from workers.channel import Channel
from workers.frame_task import FrameTask

log = logging.getLogger(__name__)

BLOCK_S = 0.5
MAX_BACKOFF_S = 2.0


class Intake:
    """Reads until stopped. `window` bounds the frames between read and answer; `answered` makes room again."""

    def __init__(
        self,
        reader: FrameReader,
        clock: ServerClock,
        frames: Channel[FrameTask],
        finished: Channel[FrameTask],
        *,
        window: int,
        max_deliveries: int,
        camera_label: Callable[[str], str],
        reconnect: Callable[[], None],
    ) -> None:
        self._reader, self._clock = reader, clock
        self._frames, self._finished = frames, finished
        self._window, self._max_deliveries = window, max_deliveries
        self._label, self._reconnect = camera_label, reconnect
        self._held = 0
        self._room = threading.Condition()
        self._stop = threading.Event()
        self.beat_at = time.monotonic()
        self.problem: str | None = "not started"
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Read no more; returns when the last read is through."""
        self._stop.set()
        with self._room:
            self._room.notify_all()
        self._thread.join(timeout_s)

    def alive(self) -> bool:
        return self._thread.is_alive()

    def held(self) -> int:
        """Frames between read and answer."""
        return self._held

    def answered(self, entries: list[Entry]) -> None:
        """Make room: these entries are done with."""
        self._reader.release(entries)
        with self._room:
            self._held -= len(entries)
            self._room.notify_all()

    def _run(self) -> None:
        backoff_s = 0.0
        while not self._stop.is_set():
            self.beat_at = time.monotonic()
            try:
                if backoff_s:
                    self._reconnect()
                self._read()
            except GroupGone as error:
                # Its entries are still in the stream, or were deleted with it: read what is there.
                log.warning("%s: making it anew", error)
                self.problem, backoff_s = str(error), 0.05
            except RedisError as error:
                if not backoff_s:
                    log.warning("%s; trying again until it answers", error)
                metrics.REDIS_ERRORS.labels("unavailable" if isinstance(error, RedisUnavailable) else "refused").inc()
                self.problem = str(error)
                backoff_s = min(MAX_BACKOFF_S, 2 * backoff_s or 0.05)
                self._stop.wait(backoff_s * random.uniform(0.5, 1.0))
            else:
                if backoff_s:
                    log.info("Redis answers again")
                self.problem, backoff_s = None, 0.0

    def _read(self) -> None:
        with self._room:
            self._room.wait_for(lambda: self._held < self._window or self._stop.is_set(), timeout=BLOCK_S)
            room = self._window - self._held
        if room <= 0 or self._stop.is_set():
            return
        entries = self._reader.read(room, BLOCK_S)
        with self._room:
            self._held += len(entries)
        for entry in entries:
            self._accept(entry)

    def _accept(self, entry: Entry) -> None:
        if entry.claimed:
            metrics.CLAIMED.inc()
        try:
            frame = decode_frame(entry.entry_id, entry.fields)
        except DecodeError as error:
            self._finished.put(FrameTask(entry).die(error.reason, str(error)))
            return
        task = FrameTask(entry, frame)
        metrics.RECEIVED.labels(self._label(task.camera_id)).inc()
        metrics.FRAME_AGE.labels("read").observe(max(0.0, self._clock.now() - frame.header.captured_at))
        if entry.deliveries > self._max_deliveries:
            detail = f"delivered {entry.deliveries} times and never answered"
            self._finished.put(task.die("delivered-too-often", detail))
        elif self._clock.now() > task.deadline:
            self._finished.put(task.expire())
        else:
            self._frames.put(task)
