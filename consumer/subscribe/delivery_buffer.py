"""From an entry of Redis to a delivery for the caller, with no I/O: decode, filter, leave out repeats, order, hold."""

import logging
import math
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Hashable, Iterable
from threading import Lock
from typing import Generic

from ferstream.consumer.subscribe.reorder import ReorderBuffer
from ferstream.consumer.subscribe.shards import ShardPosition
from ferstream.consumer.subscribe.sources import D, M, Source
from ferstream.streams.errors import DecodeError

log = logging.getLogger(__name__)

#: Repeats come within seconds of each other; at 30 frames a second this looks back about half a minute.
REMEMBERED_A_CAMERA = 1000
REMEMBERED_CAMERAS = 10_000


class Deduplicator:
    """Remembers the names of the last messages of each camera. Memory is bounded: the camera quiet for longest goes first.

    Redis may deliver an entry twice, and a worker may publish a frame's result twice.
    """

    def __init__(self, a_camera: int = REMEMBERED_A_CAMERA, cameras: int = REMEMBERED_CAMERAS) -> None:
        self._a_camera, self._cameras = a_camera, cameras
        self._seen: OrderedDict[str, OrderedDict[Hashable, None]] = OrderedDict()

    def is_new(self, camera_id: str, name: Hashable) -> bool:
        """Remember a name; False where it was known."""
        names = self._seen.setdefault(camera_id, OrderedDict())
        self._seen.move_to_end(camera_id)
        if name in names:
            return False
        names[name] = None
        if len(names) > self._a_camera:
            names.popitem(last=False)
        if len(self._seen) > self._cameras:
            self._seen.popitem(last=False)
        return True


class DeliveryBuffer(Generic[M, D]):
    """Fed with entries by the readers, gives deliveries to the caller, who may be in another thread; `source` says of what.

    It moves the position of each shard, and tells what may be acknowledged. With `acknowledging`, an entry is held until it is
    acknowledged, and not taken in twice meanwhile.
    """

    def __init__(
        self,
        source: Source[M, D],
        positions: list[ShardPosition],
        *,
        cameras: frozenset[str] | None,
        order_window_s: float,
        repeats: bool,
        latecomers: bool,
        acknowledging: bool,
    ) -> None:
        self._source, self._positions = source, positions
        self._wanted = cameras
        self._known = None if repeats else Deduplicator()
        self._reorder: ReorderBuffer[D] | None = ReorderBuffer(order_window_s) if order_window_s > 0 else None
        self._latecomers, self._acknowledging = latecomers, acknowledging
        self._lock = Lock()
        self._ready: deque[D] = deque()
        self._held: set[tuple[int, str]] = set()
        self._yielded: dict[tuple[int, str], None] = {}
        self._done: defaultdict[int, list[str]] = defaultdict(list)
        self.late = 0
        self.repeated = 0
        self.lost = 0
        self.undecodable: Counter[str] = Counter()

    @property
    def ready(self) -> bool:
        """Whether there is something for the caller."""
        return bool(self._ready)

    def feed(self, shard: int, entries: Iterable[tuple[bytes, dict[bytes, bytes] | None]]) -> None:
        """Take in what a read of a shard brought; no fields mean that Redis trimmed an entry while it was pending."""
        with self._lock:
            for raw_id, fields in entries:
                self._take_in(shard, raw_id.decode(), fields)
        self.release(time.monotonic())

    def begin_again(self, shard: int) -> None:
        """The stream of a shard was made anew."""
        with self._lock:
            self._positions[shard].begin_again()

    def release(self, now: float = math.inf) -> None:
        """Make ready what its window no longer holds; without a time, everything."""
        if self._reorder:
            with self._lock:
                self._ready += self._reorder.pop(now)

    def next(self) -> D | None:
        """The next one for the caller: the position moves past it. It stays here until asked for, also over a `break`."""
        with self._lock:
            if not self._ready:
                return None
            delivery = self._ready.popleft()
            self._positions[delivery.shard].remove(delivery.entry_id)
            if self._acknowledging:
                self._yielded[delivery.shard, delivery.entry_id] = None
            return delivery

    def next_batch(self) -> list[D]:
        """All that is ready."""
        return list(iter(self.next, None))

    def next_at(self) -> float | None:
        """When something will be ready without anything new."""
        return self._reorder.next_at() if self._reorder else None

    def finish_yielded(self, deliveries: Iterable[D] | None = None) -> None:
        """The caller is done with these, or with everything it has."""
        with self._lock:
            names = [*self._yielded] if deliveries is None else [(one.shard, one.entry_id) for one in deliveries]
            for name in names:
                if name in self._yielded:
                    del self._yielded[name]
                    self._done[name[0]].append(name[1])

    def to_acknowledge(self, shard: int) -> list[str]:
        """Entries that the caller is done with. They stay here until they are `acknowledged`."""
        return self._done[shard]

    def acknowledged(self, shard: int, entry_ids: list[str]) -> None:
        """Redis knows that these, which `to_acknowledge` gave, are done with."""
        with self._lock:
            del self._done[shard][: len(entry_ids)]
            self._held.difference_update((shard, entry_id) for entry_id in entry_ids)

    def _take_in(self, shard: int, entry_id: str, fields: dict[bytes, bytes] | None) -> None:
        if (shard, entry_id) in self._held:
            return
        position = self._positions[shard]
        position.add(entry_id)
        if self._acknowledging:
            self._held.add((shard, entry_id))
        delivery = self._decoded(shard, entry_id, fields)
        if delivery is None or not self._taken(delivery):
            position.remove(entry_id)
            if self._acknowledging:
                self._done[shard].append(entry_id)

    def _decoded(self, shard: int, entry_id: str, fields: dict[bytes, bytes] | None) -> D | None:
        if not fields:
            self.lost += 1
            return None
        try:
            return self._source.delivery(self._source.decode(entry_id, fields), shard, entry_id)
        except DecodeError as error:  # one broken entry must not stop the others: counted, told once, passed over
            self.undecodable[error.reason] += 1
            if self.undecodable[error.reason] == 1:
                log.warning(
                    "passing over an entry that is no readable %s (%s): %s; more of this kind are only counted",
                    self._source.word,
                    error.reason,
                    error,
                )
            return None

    def _taken(self, delivery: D) -> bool:
        message, source = delivery.message, self._source
        if self._wanted is not None and message.camera_id not in self._wanted:
            return False
        if self._known is not None and not self._known.is_new(message.camera_id, source.name(message)):
            self.repeated += 1
            return False
        if self._reorder is not None:
            if self._reorder.push(message.camera_id, source.moment(message), delivery, time.monotonic()):
                return True
            self.late += 1
            if not self._latecomers:
                return False
        self._ready.append(delivery)
        return True
