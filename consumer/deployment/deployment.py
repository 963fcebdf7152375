"""How a whole deployment is, as far as Redis knows and this user may look."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

import redis

from ferstream.consumer.deployment.rates import RateMeter, Rates
from ferstream.consumer.deployment.reader_group import ReaderGroup, read_groups
from ferstream.consumer.tracking.service.tracker_status import TrackerStatus
from ferstream.streams.errors import GroupGone, StoreError, StoreUnavailable
from ferstream.streams.frames.account import Account, read_account
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import Status, read_statuses
from ferstream.streams.frames.worker_status import WorkerStatus
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.cluster import primaries_of
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Of a Redis that holds much else, no more is looked through for other deployments.
SCAN_CALLS, SCAN_KEYS = 50, 1000
#: Of workers, where none has said what its group is.
GROUP = "workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Redis itself; of a cluster all primaries together. `max_bytes` is 0 without a limit."""

    version: str
    used_bytes: int
    max_bytes: int
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One look at everything under a prefix, at `at` on Redis's clock.

    `hidden` are the parts that could not be seen: None, or empty. This user has no right to them, or the part of Redis that has
    them does not answer; then `away` says why.
    """

    prefix: str
    at: float
    shards: int | None  # None: no process has fixed it yet
    server: Server | None
    cameras: list[CameraStatus]
    workers: list[WorkerStatus]
    account: Account | None
    rates: Rates | None
    oldest_waiting_s: float | None
    #: Other prefixes with cameras and with workers; looked for only where there are none under this one.
    cameras_elsewhere: list[str]
    workers_elsewhere: list[str]
    trackers: list[TrackerStatus] = field(default_factory=list)
    groups: list[ReaderGroup] = field(default_factory=list)
    hidden: frozenset[str] = frozenset()
    away: str = ""

    @property
    def live_workers(self) -> list[WorkerStatus]:
        """Those that renew their status."""
        return [worker for worker in self.workers if worker.silent_since(self.at) is None]

    @property
    def live_trackers(self) -> list[TrackerStatus]:
        """Those that renew their status: of trackers themselves, and of the shards that they have."""
        return [tracker for tracker in self.trackers if tracker.silent_since(self.at) is None]

    @property
    def live_cameras(self) -> list[CameraStatus]:
        """Those whose producer renews their status, and that have not ended."""
        return [camera for camera in self.cameras if camera.silent_since(self.at) is None and camera.state != "ended"]


class DeploymentReader:
    """Looks at a deployment again and again; rates are those between looks."""

    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        self._client, self._prefix = client, prefix
        self._clock = ServerClock()
        self._meter = RateMeter()
        self._away, self._hidden = "", set[str]()

    def read(self) -> Deployment:
        """One look. Raises StoreError where Redis is away, or refuses what every user may see."""
        self._clock.set_from(self._client)
        self._away, self._hidden = "", set()
        with translated():
            stored = self._client.get(Keys(self._prefix).shard_count)
        keys = Keys(self._prefix).sharded(stored)
        shards = None if stored is None else keys.shards
        cameras = self._seen("cameras", lambda: read_statuses(self._client, keys.cameras, CameraStatus)) or []
        workers = self._seen("workers", lambda: read_statuses(self._client, keys.workers, WorkerStatus)) or []
        trackers = self._seen("trackers", lambda: read_statuses(self._client, keys.trackers, TrackerStatus)) or []
        account = self._seen("account", lambda: read_account(self._client, keys))
        working = [worker for worker in workers if self._live(worker)]
        server, rates = self._seen("server", self._server), self._meter.rates(account, working, time.monotonic())
        oldest_s = self._seen("frames", lambda: self._oldest(keys, {worker.group for worker in workers} or {GROUP}))
        groups = self._seen("groups", lambda: read_groups(self._client, keys, self._clock.now())) or []
        return Deployment(
            prefix=self._prefix,
            at=self._clock.now(),
            shards=shards,
            server=server,
            cameras=cameras,
            workers=workers,
            trackers=trackers,
            groups=groups,
            account=account,
            rates=rates,
            oldest_waiting_s=oldest_s,
            cameras_elsewhere=[] if cameras else self._elsewhere("cameras", CameraStatus),
            workers_elsewhere=[] if working else self._elsewhere("workers", WorkerStatus),
            hidden=frozenset(self._hidden),
            away=self._away,
        )

    def _seen(self, what: str, look: Callable[[], T]) -> T | None:
        """What a look finds, or None where this user has no right to it, or the primary that has it is away."""
        try:
            return look()
        except StoreUnavailable as error:
            self._away = str(error)
        except StoreError as error:
            if error.code != "NOPERM":
                raise
            log.debug("%s are not seen: %s", what, error)
        self._hidden.add(what)
        return None

    def _server(self) -> Server:
        with translated():
            answers: list[dict[str, Any]] = [primary.info() for primary in primaries_of(self._client)]
        limits = [int(info.get("maxmemory", 0)) for info in answers]
        return Server(
            version=_version(answers[0]),
            used_bytes=sum(int(info.get("used_memory", 0)) for info in answers),
            max_bytes=sum(limits) if all(limits) else 0,
            policy=", ".join(sorted({str(info.get("maxmemory_policy", "?")) for info in answers})),
        )

    def _oldest(self, keys: Keys, groups: Collection[str]) -> float | None:
        """For how long the oldest frame has been in Redis, by its id; None where none waits.

        Who may read no frame is told of those that workers have.
        """
        found: list[bytes] = []
        for shard in range(keys.shards):
            stream = keys.frames(shard)
            try:
                with translated():
                    listed: Any = self._client.xrange(stream, count=1)
            except StoreError as error:
                if error.code != "NOPERM":
                    raise
                found += [first for group in groups if (first := self._first_pending(stream, group))]
            else:
                found += [entry_id for entry_id, _ in listed]
        written = [int(entry_id.partition(b"-")[0]) / 1000 for entry_id in found]
        return max(0.0, self._clock.now() - min(written)) if written else None

    def _first_pending(self, stream: str, group: str) -> bytes | None:
        try:
            with translated():
                first: bytes | None = self._client.xpending(stream, group)["min"]
        except GroupGone:
            return None
        return first

    def _elsewhere(self, what: str, kind: type[Status]) -> list[str]:
        """Other prefixes under which cameras, or workers, say that they are there."""
        found = self._seen("others", lambda: self._scan(f"*:{what}")) or set()
        names = sorted({key.decode(errors="replace").removesuffix(f":{what}") for key in found} - {self._prefix})

        def live(name: str) -> bool:
            try:
                statuses = self._seen("others", lambda: read_statuses(self._client, f"{name}:{what}", kind)) or []
            except StoreError:  # a key of another program
                return False
            return any(self._live(status) for status in statuses)

        return [name for name in names if live(name)]

    def _live(self, status: Status) -> bool:
        return status.silent_since(self._clock.now()) is None

    def _scan(self, pattern: str) -> set[bytes]:
        found: set[bytes] = set()
        with translated():
            for primary in primaries_of(self._client):
                cursor = 0
                for _ in range(SCAN_CALLS):
                    reply: Any = primary.scan(cursor, match=pattern, count=SCAN_KEYS)
                    cursor = int(reply[0])
                    found.update(reply[1])
                    if cursor == 0:
                        break
        return found


def _version(info: dict[str, Any]) -> str:
    """As people know it: Valkey also says which Redis it can stand for."""
    return f"Valkey {info['valkey_version']}" if "valkey_version" in info else str(info.get("redis_version", "?"))
