"""From an entry of Redis to a delivery for the caller, with no I/O: decode, filter, leave out repeats, order, hold."""

import logging
import math
import time
from collections import Counter, deque

from ferstream.consumer.subscribe.reorder import Deduplicator, ReorderBuffer
from ferstream.consumer.subscribe.shards import PAGE, Delivery, ResultEntry, Shards
from ferstream.streams.errors import DecodeError
from ferstream.streams.wire.codec import decode_result

log = logging.getLogger(__name__)


class ResultBuffer:
    """Fed with entries of Redis, gives deliveries; moves the position of each shard, and tells what may be acknowledged.

    With `acknowledging`, an entry is held until it is acknowledged, and not taken in twice meanwhile.
    """

    def __init__(
        self, shards: Shards, *, cameras: frozenset[str] | None, order_window_s: float, repeats: bool, acknowledging: bool
    ) -> None:
        self._shards = shards
        self._wanted = cameras
        self._known = None if repeats else Deduplicator()
        self._reorder: ReorderBuffer[Delivery] | None = ReorderBuffer(order_window_s) if order_window_s > 0 else None
        self._acknowledging = acknowledging
        self._ready: deque[Delivery] = deque()
        self._held: set[tuple[int, str]] = set()
        self._yielded: list[tuple[int, str]] = []
        self._done: dict[int, list[str]] = {}
        self.late = 0
        self.repeated = 0
        self.lost = 0
        self.undecodable: Counter[str] = Counter()

    def feed(self, entry: ResultEntry) -> None:
        """Take in one entry; no fields mean that Redis trimmed it while it was pending."""
        shard, entry_id, _ = entry
        if (shard, entry_id) in self._held:
            return
        if self._acknowledging:
            self._held.add((shard, entry_id))
        self._shards.received += 1
        position = self._shards.positions[shard]
        position.add(entry_id)
        delivery = self._decoded(entry)
        if delivery is None or not self._taken(delivery):
            position.remove(entry_id)
            self._finish(shard, entry_id)

    def release(self, now: float = math.inf) -> None:
        """Make ready what its window no longer holds; without a time, everything."""
        if self._reorder:
            self._ready += self._reorder.pop(now)

    def next(self) -> Delivery | None:
        """The next one for the caller: the position moves past it. It stays here until asked for, also over a `break`."""
        if not self._ready:
            return None
        delivery = self._ready.popleft()
        self._shards.positions[delivery.shard].remove(delivery.entry_id)
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
        for shard, entry_id in self._yielded:
            self._finish(shard, entry_id)
        self._yielded.clear()

    def to_acknowledge(self, shard: int) -> list[str]:
        """Entries that the caller is done with, PAGE at most. They stay here until they are `acknowledged`."""
        return self._done.get(shard, [])[:PAGE]

    def acknowledged(self, shard: int, entry_ids: list[str]) -> None:
        """Redis knows that these, which `to_acknowledge` gave, are done with."""
        del self._done[shard][: len(entry_ids)]
        self._held.difference_update((shard, entry_id) for entry_id in entry_ids)

    def _finish(self, shard: int, entry_id: str) -> None:
        if self._acknowledging:
            self._done.setdefault(shard, []).append(entry_id)

    def _decoded(self, entry: ResultEntry) -> Delivery | None:
        shard, entry_id, fields = entry
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

    def _taken(self, delivery: Delivery) -> bool:
        if self._wanted is not None and delivery.result.camera_id not in self._wanted:
            return False
        if self._known is not None and not self._known.is_new(delivery.result):
            self.repeated += 1
            return False
        if self._reorder is None:
            self._ready.append(delivery)
            return True
        if not self._reorder.push(delivery, time.monotonic()):
            self.late += 1
            return False
        return True
