"""What happens to an entry between Redis and the caller, with no I/O: decode, filter, know repeats, order, keep position."""

import logging
import math
from collections import Counter, deque
from collections.abc import Mapping

from ferstream.consumer.subscribe.deduplicate import Repeats
from ferstream.consumer.subscribe.delivery import Delivery
from ferstream.consumer.subscribe.position import ShardPosition
from ferstream.consumer.subscribe.reorder import ReorderBuffer
from ferstream.streams.errors import DecodeError
from ferstream.streams.wire.codec import decode_result

log = logging.getLogger(__name__)


class Intake:
    """Fed with raw entries, gives deliveries; tells where to go on after a restart and what may be acknowledged.

    With `acknowledging`, an entry is held until it is done with, and not taken in twice meanwhile.
    """

    def __init__(self, *, cameras: frozenset[str] | None, order_window_s: float, repeats: bool, acknowledging: bool) -> None:
        self._wanted = cameras
        self._known = None if repeats else Repeats()
        self._reorder = ReorderBuffer(order_window_s) if order_window_s > 0 else None
        self._acknowledging = acknowledging
        self._ready: deque[Delivery] = deque()
        self._held: set[tuple[int, str]] = set()
        self._yielded: list[tuple[int, str]] = []
        self._done: list[tuple[int, str]] = []
        self.shards: list[ShardPosition] = []
        self.received = 0
        self.late = 0
        self.repeated = 0
        self.lost = 0
        self.undecodable: Counter[str] = Counter()

    def feed(self, shard: int, entry_id: str, fields: Mapping[bytes, bytes] | None, now: float) -> None:
        """Take in one entry; no fields mean that Redis trimmed it while it was pending."""
        if (shard, entry_id) in self._held:
            return
        if self._acknowledging:
            self._held.add((shard, entry_id))
        self.received += 1
        self.shards[shard].opened(entry_id)
        delivery = self._decoded(shard, entry_id, fields)
        if delivery is None or not self._taken(delivery, now):
            self.shards[shard].closed(entry_id)
            self._finish((shard, entry_id))

    def release(self, now: float = math.inf) -> None:
        """Make ready what its window no longer holds; without a time, everything."""
        if self._reorder:
            self._ready += self._reorder.pop(now)

    def next(self) -> Delivery | None:
        """The next one for the caller: the position moves past it. It stays here until asked for, also over a `break`."""
        if not self._ready:
            return None
        delivery = self._ready.popleft()
        self.shards[delivery.shard].closed(delivery.entry_id)
        if self._acknowledging:
            self._yielded.append((delivery.shard, delivery.entry_id))
        return delivery

    def next_batch(self) -> list[Delivery]:
        """All that is ready."""
        batch = []
        while delivery := self.next():
            batch.append(delivery)
        return batch

    def next_at(self) -> float | None:
        """When something will be ready without anything new."""
        return self._reorder.next_at() if self._reorder else None

    def finish_yielded(self) -> None:
        """The caller is done with everything it has."""
        for name in self._yielded:
            self._finish(name)
        self._yielded.clear()

    def drain_done(self) -> dict[int, list[str]]:
        """Entries to acknowledge, by shard. Those that could not be come back by `not_acknowledged`."""
        done: dict[int, list[str]] = {}
        for shard, entry_id in self._done:
            done.setdefault(shard, []).append(entry_id)
        self._done.clear()
        return done

    def acknowledged(self, shard: int, entry_ids: list[str]) -> None:
        self._held -= {(shard, entry_id) for entry_id in entry_ids}

    def not_acknowledged(self, done: dict[int, list[str]]) -> None:
        self._done += [(shard, entry_id) for shard, ids in done.items() for entry_id in ids]

    def _finish(self, name: tuple[int, str]) -> None:
        if self._acknowledging:
            self._done.append(name)

    def _decoded(self, shard: int, entry_id: str, fields: Mapping[bytes, bytes] | None) -> Delivery | None:
        if not fields:
            self.lost += 1
            return None
        try:
            return Delivery(decode_result(entry_id, fields), shard, entry_id)
        except DecodeError as error:  # one broken entry must not stop the others: counted, told once, passed over
            self.undecodable[error.reason] += 1
            if self.undecodable[error.reason] == 1:
                log.warning(
                    "passing over a result that cannot be read (%s): %s; more of this kind are only counted", error.reason, error
                )
            return None

    def _taken(self, delivery: Delivery, now: float) -> bool:
        if self._wanted is not None and delivery.result.camera_id not in self._wanted:
            return False
        if self._known is not None and not self._known.is_new(delivery.result):
            self.repeated += 1
            return False
        if self._reorder is None:
            self._ready.append(delivery)
            return True
        if not self._reorder.push(delivery, now):
            self.late += 1
            return False
        return True
