"""What a worker takes in: entries from Redis, no more than it has room for, without what is no frame.

One thread reads all shards of one server. On a Redis Cluster each shard has a thread: one that is out of reach stops no other.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from ferstream.streams.errors import DecodeError, GroupGone, StoreError, StoreUnavailable
from ferstream.streams.frames.reader import Entry, FrameReader
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.codec import decode_frame
from ferstream.workers import metrics
from ferstream.workers.intake.admission import InFlightLimit, Lane, LoadShedder
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.stage import Outlet

log = logging.getLogger(__name__)

#: A read waits this long for a first entry: as long as a worker that stops waits for it.
BLOCK_S = 0.5
#: Waits between two tries of a Redis that does not answer.
LEAST_WAIT_S, MOST_WAIT_S = 0.1, 2.0


class Intake:
    """Reads entries and puts them into `frames`, or into `finished` where there is no work in them, until stopped.

    `window` bounds the frames between read and answer; `release` makes room again. `reconnect` is called with a reader before
    its first read after an error. One that was delivered more than `max_deliveries` times becomes a dead letter.
    """

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
        self._limit = InFlightLimit(window, len(readers))
        self._stop = threading.Event()
        self._loops = [
            _ReadLoop(reader, self._limit, lane, self._stop, self._accept, reconnect)
            for reader, lane in zip(readers, self._limit.lanes, strict=True)
        ]
        self._loop_of = {shard: loop for loop in self._loops for shard in loop.reader.shards}

    def start(self) -> None:
        for loop in self._loops:
            loop.thread.start()

    def stop(self, timeout_s: float) -> None:
        """Read no more; returns when the last read is through, whose entries are taken in, or when time is up."""
        self._stop.set()
        self._limit.close()
        until = time.monotonic() + timeout_s
        for loop in self._loops:
            loop.thread.join(max(0.0, until - time.monotonic()))

    def held(self) -> int:
        """Frames between read and answer."""
        return self._limit.held()

    def silent_s(self) -> float:
        """For how long the slowest of the reading loops has not come round."""
        return max(loop.heartbeat.silent_s() for loop in self._loops)

    @property
    def problem(self) -> str | None:
        """Why nothing is read; None while any reader reads."""
        problems = [loop.problem for loop in self._loops]
        return None if None in problems else problems[0]

    def release(self, entries: list[Entry]) -> None:
        """Make room for more: these entries are ended, or left to others."""
        for loop in {self._loop_of[entry.shard] for entry in entries}:
            mine = [entry for entry in entries if self._loop_of[entry.shard] is loop]
            loop.shedder.end(mine)
            loop.reader.release(mine)
            self._limit.release(loop.lane, len(mine))

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
        # The first look at the deadline. A frame looks young enough here and may be too old after waiting in the queues, so the
        # pipeline looks again before the detector, which costs most, and the publisher before a result goes out.
        shedder, left_s = self._loop_of[entry.shard].shedder, task.deadline - self._clock.now()
        if left_s < 0 or shedder.too_slow(task.camera_id, left_s, task.deadline - frame.header.captured_at):
            self._finished.put(task.expire())
        else:
            shedder.begin(entry, task.camera_id)
            self._frames.put(task)


class _ReadLoop:
    """One reader's thread: reads as much as there is room for, and outlives every error of its Redis."""

    def __init__(
        self,
        reader: FrameReader,
        limit: InFlightLimit,
        lane: Lane,
        stop: threading.Event,
        accept: Callable[[Entry], None],
        reconnect: Callable[[FrameReader], None],
    ) -> None:
        self.reader, self.lane, self.shedder = reader, lane, LoadShedder()
        self._limit, self._stop, self._accept, self._reconnect = limit, stop, accept, reconnect
        self._alone = len(limit.lanes) == 1
        self._backoff = Backoff(LEAST_WAIT_S, MOST_WAIT_S, healthy_after_s=0.0)
        self.heartbeat = Heartbeat()
        self.problem: str | None = "not started"
        self.thread = vital_thread(self._run, "intake")

    def _run(self) -> None:
        interrupted = False
        while not self._stop.is_set():
            self.heartbeat.beat()
            try:
                if interrupted:
                    self._reconnect(self.reader)
                self._read()
            except GroupGone as error:
                # Somebody deleted the stream or its group (FLUSHALL, a failover to an empty replica). `reconnect` makes the group
                # again, from the first entry of the stream on: what is still there is read, what was deleted is lost.
                log.warning("%s%s: making it anew", self._where, error)
                self.problem, interrupted = str(error), True
            except StoreError as error:
                if not interrupted:
                    log.warning("%s%s; trying again until it answers", self._where, error)
                metrics.REDIS_ERRORS.labels("unavailable" if isinstance(error, StoreUnavailable) else "refused").inc()
                self.problem, self.lane.unreachable, interrupted = str(error), True, True
                self._stop.wait(self._backoff.failed())
            else:
                if interrupted:
                    log.info("%sRedis answers again", self._where)
                    self._backoff.succeeded()
                self.problem, self.lane.unreachable, interrupted = None, False, False

    @property
    def _where(self) -> str:
        return "" if self._alone else f"shard {self.reader.shards[0]}: "

    def _read(self) -> None:
        # Where several share the limit, one that has frames reads on at once, and waits with one place when it has none.
        block_s = BLOCK_S if self._alone or not self.lane.flowing else 0.0
        count = self._limit.reserve(self.lane)
        if not count:
            return
        entries: list[Entry] = []
        # After an error too: its reply may be lost on the way, and what it held is then pending with us. The reader looks at its
        # own pending entries before anything new, so the next read brings them; nobody else would before `claim-after`.
        more = True
        try:
            entries = self.reader.read(count, block_s)
            more = bool(entries)
        finally:
            self._limit.fill(self.lane, len(entries), more)
        for entry in entries:
            self._accept(entry)
