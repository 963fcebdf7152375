"""`fer-consumer track`: shards shared among trackers by lease, each followed on a thread."""

import logging
import threading
from collections.abc import Sequence

import redis

from ferstream.consumer.tracking.service.shard_tracker import ShardTracker, TrackSettings
from ferstream.consumer.tracking.service.track_metrics import TrackMetrics
from ferstream.consumer.tracking.service.tracker_status import TrackerStatus
from ferstream.streams.errors import StoreError, StoreRefused
from ferstream.streams.frames.status_board import StatusBoard, read_statuses
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.service.heartbeat import Heartbeat, LoopWatch
from ferstream.streams.service.metrics import ferstream_version
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Leases are renewed this often.
TURN_S = 1.0
#: A loop that did not turn for this long is stuck; a new connection takes up to seven seconds.
STUCK_S = 60.0
#: A thread that is asked to leave writes its last second first.
LEAVE_S = 15.0


class TrackService:
    """Has its share of the shards until asked to leave: all of them where it is alone.

    A lease says who is to follow a shard, and no more: what keeps two trackers from publishing the same is the shard's own state,
    see ShardState. So one that cannot renew its leases, because Redis is away, goes on with what it has.
    """

    def __init__(
        self, client: "redis.Redis", settings: TrackSettings, shards: int | None, metrics: TrackMetrics, clock: ServerClock
    ) -> None:
        self._client, self._settings, self._metrics, self._clock = client, settings, metrics, clock
        self._keys = Keys(settings.prefix)
        self._count = shards
        self._board = StatusBoard(client, self._keys.trackers)
        self._trackers: dict[int, ShardTracker] = {}
        self._problem: str | None = "no answer from Redis yet"
        self._beat = Heartbeat()
        loops = {
            "the loop that renews leases": self._beat.silent_s,
            "the tracking of a shard": lambda: max((one.silent_s() for one in list(self._trackers.values())), default=0.0),
        }
        self._watch = LoopWatch(loops, STUCK_S)

    def run(self, leave: threading.Event) -> None:
        """Follow, until `leave` is set; then write what there is to write, and let go.

        Raises StoreRefused where trying again will not help, and FerstreamError where results cannot be followed at all.
        """
        try:
            while True:
                self._beat.beat()
                self._raise_failure()
                self._turn()
                if leave.wait(TURN_S):
                    return
        finally:
            self._let_go_all()

    def unhealthy(self) -> str | None:
        """Which loop is stuck, for /healthz; None while all turn."""
        return self._watch.problem()

    def unready(self) -> str | None:
        """Why nothing can be followed, for /readyz; None while Redis answers."""
        return self._problem

    def _raise_failure(self) -> None:
        for tracker in self._trackers.values():
            if tracker.failure:
                raise tracker.failure

    def _turn(self) -> None:
        try:
            self._collect_ended()
            self._clock.set_from(self._client)
            self._count = self._count or self._ask_for_shards()
            if self._count:
                self._share(self._count)
            key = self._keys.shard_count
            self._say(None if self._count else f"waiting for a producer or worker to say how many shards there are ({key})")
        except StoreRefused:
            raise
        except StoreError as error:
            self._say(f"{error}; leases are not renewed, what is followed goes on")

    def _say(self, problem: str | None) -> None:
        """What is wrong now; logged once."""
        if problem and problem != self._problem:
            log.warning("%s", problem)
        self._problem = problem

    def _ask_for_shards(self) -> int | None:
        with translated():
            told = self._client.get(self._keys.shard_count)
        return None if told is None else self._keys.sharded(told).shards

    def _share(self, count: int) -> None:
        """Keep what is ours, give up what is more than our share, take what is free of it."""
        self._board.renew({self._board.holder: TrackerStatus(version=ferstream_version())})
        for shard, holder in self._renew(list(self._trackers)).items():
            log.warning("shard %d is followed by tracker %s now: letting go of the shard", shard, holder)
            self._trackers[shard].leave()
        held, trackers = self._others()
        share = -(-count // trackers)
        for shard in list(self._trackers)[share:]:
            self._trackers[shard].leave()
        for shard in range(count):
            if len(self._trackers) < share and shard not in held and shard not in self._trackers and not self._renew([shard]):
                self._follow(shard)
        self._metrics.has_shards(len(self._trackers))

    def _renew(self, shards: Sequence[int]) -> dict[int, str]:
        """Take or keep the leases of shards; those that others have, with their holders."""
        statuses = {
            str(shard): self._trackers[shard].status if shard in self._trackers else TrackerStatus(shard=shard)
            for shard in shards
        }
        return {int(name): str(holder) for name, holder in self._board.renew(statuses).items()}

    def _others(self) -> tuple[set[int], int]:
        """Shards that are held by any tracker, and how many trackers there are, with this one."""
        living = [
            status
            for status in read_statuses(self._client, self._keys.trackers, TrackerStatus)
            if status.silent_since(self._clock.now()) is None
        ]
        return {one.shard for one in living if one.shard is not None}, max(1, sum(one.shard is None for one in living))

    def _follow(self, shard: int) -> None:
        self._trackers[shard] = ShardTracker(shard, self._settings, self._client, self._clock, self._metrics)
        self._trackers[shard].start()

    def _collect_ended(self) -> None:
        """Free the shards that are not followed any more; a lease that is another's by now stays as it is."""
        for shard, tracker in list(self._trackers.items()):
            if tracker.over and not tracker.failure:
                self._board.remove([str(shard)])
                del self._trackers[shard]

    def _let_go_all(self) -> None:
        for tracker in self._trackers.values():
            tracker.leave()
        for tracker in self._trackers.values():
            tracker.join(LEAVE_S)
        try:
            self._board.remove([*map(str, self._trackers), self._board.holder])
        except StoreError as error:  # the leases run out by themselves
            log.info("could not take leave of Redis: %s", error)
