"""What a worker takes in: entries from Redis, no more than it has room for, without what is no frame.

One thread reads all shards of one server. On a Redis Cluster each shard has a thread: one that is out of reach stops no other.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

from ferstream.streams.errors import DecodeError, GroupGone, StoreError, StoreUnavailable
from ferstream.streams.frames.reader import Entry, FrameReader
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.wire.codec import decode_frame
from ferstream.workers import metrics
from ferstream.workers.intake.in_flight import Share, Window
from ferstream.workers.intake.load_shedding import Pace
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.queues import Outlet

log = logging.getLogger(__name__)

BLOCK_S = 0.5
MAX_BACKOFF_S = 2.0


class Intake:
    """Reads until stopped. `window` bounds the frames between read and answer; `answered` makes room again."""

    def __init__(
        self,
        readers: Sequence[FrameReader],
        clock: ServerClock,
        frames: Outlet[FrameTask],
        finished: Outlet[FrameTask],
        *,
        window: int,
        max_deliveries: int,
        camera_label: Callable[[str], str],
        reconnect: Callable[[FrameReader], None],
    ) -> None:
        self._clock, self._frames, self._finished = clock, frames, finished
        self._max_deliveries, self._label = max_deliveries, camera_label
        self._window = Window(window, len(readers))
        self._stop = threading.Event()
        self._lanes = [
            _Lane(reader, self._window, share, self._stop, self._accept, reconnect)
            for reader, share in zip(readers, self._window.shares, strict=True)
        ]
        self._lane_of = {shard: lane for lane in self._lanes for shard in lane.reader.shards}

    def start(self) -> None:
        for lane in self._lanes:
            lane.thread.start()

    def stop(self, timeout_s: float) -> None:
        """Read no more; returns when the last read is through."""
        self._stop.set()
        self._window.close()
        until = time.monotonic() + timeout_s
        for lane in self._lanes:
            lane.thread.join(max(0.0, until - time.monotonic()))

    def alive(self) -> bool:
        return all(lane.thread.is_alive() for lane in self._lanes)

    def held(self) -> int:
        """Frames between read and answer."""
        return self._window.held()

    @property
    def beat_at(self) -> float:
        """When the slowest of the reading loops came round."""
        return min(lane.beat_at for lane in self._lanes)

    @property
    def problem(self) -> str | None:
        """Why nothing is read, or None: something is."""
        problems = [lane.problem for lane in self._lanes]
        return None if None in problems else problems[0]

    def answered(self, entries: list[Entry]) -> None:
        """Make room: these entries are done with."""
        for lane in {self._lane_of[entry.shard] for entry in entries}:
            mine = [entry for entry in entries if self._lane_of[entry.shard] is lane]
            lane.pace.end(mine)
            lane.reader.release(mine)
            self._window.release(lane.share, len(mine))

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
            return
        pace, left_s = self._lane_of[entry.shard].pace, task.deadline - self._clock.now()
        if left_s < 0 or pace.too_slow(left_s, task.deadline - frame.header.captured_at):
            self._finished.put(task.expire())
        else:
            pace.begin(entry)
            self._frames.put(task)


class _Lane:
    """One reader's thread."""

    def __init__(
        self,
        reader: FrameReader,
        window: Window,
        share: Share,
        stop: threading.Event,
        accept: Callable[[Entry], None],
        reconnect: Callable[[FrameReader], None],
    ) -> None:
        self.reader, self.share, self.pace = reader, share, Pace()
        self._window, self._stop, self._accept, self._reconnect = window, stop, accept, reconnect
        self._waits = len(window.shares) == 1
        self.beat_at = time.monotonic()
        self.problem: str | None = "not started"
        self.thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def _run(self) -> None:
        backoff_s = 0.0
        while not self._stop.is_set():
            self.beat_at = time.monotonic()
            try:
                if backoff_s:
                    self._reconnect(self.reader)
                self._read()
            except GroupGone as error:
                # Its entries are still in the stream, or were deleted with it: read what is there.
                log.warning("%s%s: making it anew", self._where, error)
                self.problem, backoff_s = str(error), 0.05
            except StoreError as error:
                if not backoff_s:
                    log.warning("%s%s; trying again until it answers", self._where, error)
                metrics.REDIS_ERRORS.labels("unavailable" if isinstance(error, StoreUnavailable) else "refused").inc()
                self.problem, self.share.cut_off = str(error), True
                backoff_s = min(MAX_BACKOFF_S, 2 * backoff_s or 0.05)
                self._stop.wait(backoff_s * random.uniform(0.5, 1.0))
            else:
                if backoff_s:
                    log.info("%sRedis answers again", self._where)
                self.problem, self.share.cut_off, backoff_s = None, False, 0.0

    @property
    def _where(self) -> str:
        return "" if self._waits else f"shard {self.reader.shards[0]}: "

    def _read(self) -> None:
        # Where several share the window, one that has frames reads on at once, and waits with one place when it has none.
        block_s = BLOCK_S if self._waits or not self.share.flowing else 0.0
        count = self._window.reserve(self.share)
        if not count:
            return
        entries: list[Entry] = []
        more = True  # also after an error: a lost reply may have delivered some
        try:
            entries = self.reader.read(count, block_s)
            more = bool(entries)
        finally:
            self._window.fill(self.share, len(entries), more)
        for entry in entries:
            self._accept(entry)
