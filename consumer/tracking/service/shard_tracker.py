"""The tracks of one shard's cameras: results in, in order of capture; events and state out."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import redis

from ferstream.consumer.subscribe.sources import RESULTS, Delivery
from ferstream.consumer.subscribe.subscription import BlockingSubscription
from ferstream.consumer.tracking.camera_tracks import StateError
from ferstream.consumer.tracking.service.listening import Listening
from ferstream.consumer.tracking.service.shard_state import Overtaken, ShardState
from ferstream.consumer.tracking.service.track_metrics import TrackMetrics
from ferstream.consumer.tracking.service.tracker_status import TrackerStatus
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.errors import FerstreamError, StoreFull, StoreUnavailable
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.service.heartbeat import Heartbeat
from ferstream.streams.service.metrics import ferstream_version
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Event, Result

log = logging.getLogger(__name__)

#: The state of every camera that moved is written this often: what a crash reads again.
WRITE_S = 1.0
#: Results come this much later than their frames, at most: a camera is silent when nothing came for so long beyond the time-out.
LATENESS_S = 3.0
#: A camera silent for so long is forgotten: results that are read again come from seconds ago.
FORGET_S = 3600.0
#: Turns of the loop, where no results come.
BLOCK_S = 0.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSettings:
    """How `fer-consumer track` works; its --help says what each is."""

    redis_url: str
    prefix: str = "fer"
    from_: str = "0"
    order_window_s: float = 0.5
    smooth_s: float = 0.35
    left_after_s: float = 2.0
    keep_events_s: float = 3600.0


class ShardResults(BlockingSubscription[Result, Delivery]):
    """The results of one shard, as ResultSubscriber has those of all."""

    def __init__(self, shard: int, settings: TrackSettings, from_: str) -> None:
        self.source = replace(RESULTS, stream=lambda keys, _only: keys.results(shard))
        super().__init__(
            settings.redis_url,
            from_=from_,
            prefix=settings.prefix,
            shards=1,
            order_window_s=settings.order_window_s,
            block_s=BLOCK_S,
        )


class ShardTracker:
    """Follows the cameras of one shard on a thread of its own, from `start` to `leave`, or until another has taken the shard.

    `status` is what it says of its shard. `over` says that the thread has ended, `failure` why where that was an error.
    """

    def __init__(
        self, shard: int, settings: TrackSettings, client: "redis.Redis", clock: ServerClock, metrics: TrackMetrics
    ) -> None:
        self.shard = shard
        self.failure: FerstreamError | None = None
        self._settings, self._clock, self._metrics = settings, clock, metrics
        self._state = ShardState(client, Keys(settings.prefix), shard, keep_events_s=settings.keep_events_s)
        # It forgets a camera after we have: our word for silence is taken from the results, its own from this machine's clock.
        self._tracker = FaceTracker(settings.smooth_s, timeout_s=settings.left_after_s, silence_s=2 * FORGET_S)
        self._cameras = Listening(settings.left_after_s + LATENESS_S, FORGET_S)
        self._moved: dict[str, None] = {}  # cameras whose state was not written since
        self._position, self._written_at = "", time.monotonic()
        self._lag_s = 0.0
        self.status = TrackerStatus(shard=shard, version=ferstream_version())
        self._leave = threading.Event()
        self._beat = Heartbeat()
        self._thread = vital_thread(self._run, f"track-{shard}")

    def start(self) -> None:
        self._metrics.lags(self.shard, 0.0)
        self._beat.beat()
        self._thread.start()

    def leave(self) -> None:
        """Write what there is to write, and end; returns at once."""
        self._leave.set()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def silent_s(self) -> float:
        """For how long its loop has not come round."""
        return self._beat.silent_s()

    def _run(self) -> None:
        try:
            self._follow()
        except Overtaken as error:
            log.warning("%s: letting go of the shard", error)
        except (StoreUnavailable, StoreFull) as error:  # asked to leave while Redis was away
            log.warning("shard %d was left without its last second: %s; the next tracker reads that again", self.shard, error)
        except FerstreamError as error:
            self.failure = error
        finally:
            self._beat.rest()
            self._metrics.let_go(self.shard, self._cameras.cameras())

    def _follow(self) -> None:
        self._position, states = self._insist(self._state.take)
        self._restore(states)
        log.info("following the cameras of shard %d: %d are known", self.shard, len(states))
        with ShardResults(self.shard, self._settings, self._position or self._settings.from_) as results:
            for deliveries in results.batches():
                self._beat.beat()
                events = self._take_in(deliveries, connected=results.connected)
                if events:
                    self._write(events, dict.fromkeys(event.camera_id for event in events), self._position)
                if self._leave.is_set() or time.monotonic() - self._written_at >= WRITE_S:
                    self._write_all(results.position)
                if self._leave.is_set():
                    break

    def _restore(self, states: dict[str, bytes]) -> None:
        for camera_id, state in states.items():
            try:
                self._tracker.load(camera_id, state)
            except StateError as error:
                log.warning("%s: its faces appear anew", error)
            self._cameras.hear(camera_id)

    def _take_in(self, deliveries: Sequence[Delivery], *, connected: bool) -> list[Event]:
        """What happens in results, and in front of cameras that have fallen silent."""
        told: list[Event] = []
        for delivery in deliveries:
            result, events = self._tracker.update(delivery.result)
            self._metrics.took_in(result, self._tracker.following(result.camera_id))
            self._cameras.hear(result.camera_id)
            self._moved[result.camera_id] = None
            told += events
        self._lag_s = max(0.0, self._clock.now() - deliveries[-1].published_at) if deliveries else 0.0
        self._metrics.lags(self.shard, self._lag_s)
        self._cameras.turn(time.monotonic(), self._lag_s if connected else float("inf"))
        silent = self._cameras.fallen_silent()
        for camera_id in silent:
            told += self._tracker.finish(camera_id)
        self._metrics.left(silent)
        return told

    def _write_all(self, position: str) -> None:
        """The state of each camera that moved, and how far the results were read; nothing where nothing moved."""
        forgotten = dict.fromkeys(self._cameras.forgotten(), b"")
        if self._moved or forgotten:
            self._write((), self._moved, position, forgotten)
        self._written_at = time.monotonic()
        cameras = self._cameras.cameras()
        faces = sum(len(self._tracker.following(camera_id)) for camera_id in cameras)
        self.status = replace(self.status, cameras=len(cameras), faces=faces, lag_s=round(self._lag_s, 3))

    def _write(
        self, events: Sequence[Event], cameras: dict[str, None], position: str, forgotten: dict[str, bytes] | None = None
    ) -> None:
        """Events, with the state of the cameras that they are of; the position stays before what else is not written."""
        states = {camera_id: self._tracker.save(camera_id) for camera_id in cameras} | (forgotten or {})
        self._insist(lambda: self._state.write(events, states, position))
        self._position = position
        self._metrics.published(events)
        self._moved = {camera_id: None for camera_id in self._moved if camera_id not in states}

    def _insist(self, step: Callable[[], T]) -> T:
        """Do it, over outages; raises what it met where it is time to leave."""
        backoff, told = Backoff(0.1, 5.0), False
        while True:
            try:
                return step()
            except (StoreUnavailable, StoreFull) as error:
                if not told:
                    log.warning("shard %d: %s; trying again until it answers", self.shard, error)
                    told = True
                self._beat.beat()
                if self._leave.wait(backoff.failed()):
                    raise
