"""Writing one camera's frames, and keeping account of those that wait in Redis.

Every frame entry is deleted exactly once, by a worker that answered it or by its producer that withdrew it; whoever's
XDEL removed the entry counts the frame. That is what makes the fleet's accounting balance.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from ferstream.streams.errors import DecodeError, GroupGone, StoreError, StoreUnavailable
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.cluster import run_id_of
from ferstream.streams.redis_client.connect import translated
from ferstream.streams.wire.codec import decode_header, decode_result, encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader

#: A worker that reads an overdue frame counts it as expired; the producer withdraws what no worker read for this long after.
GRACE_S = 1.0
#: Trimming by age is the backstop for frames of dead producers: later than any living producer withdraws its own.
TRIM_GRACE_S = 10.0
#: Entries looked through to find out whether a frame arrived whose reply was lost.
LOOK_BACK = 1000


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame of ours that was in Redis when we last looked."""

    entry_id: bytes
    size: int
    deadline: float


class FrameWriter:
    """Writes the frames of one camera; counts by `on_drop(reason, frames)` those that it withdraws or cannot write.

    Not thread-safe: a camera's own thread writes and beats.
    """

    def __init__(
        self,
        client: "redis.Redis",
        keys: Keys,
        clock: ServerClock,
        camera_id: str,
        *,
        group: str,
        freshness_s: float,
        budget_bytes: int,
        on_drop: Callable[[str, int], None],
    ) -> None:
        self._client, self._keys, self._clock = client, keys, clock
        self._camera_id, self._group = camera_id, group
        self._freshness_s, self._budget_bytes = freshness_s, budget_bytes
        self._on_drop = on_drop
        self._shard = keys.shard_of(camera_id)
        self._stream = keys.frames(self._shard)
        self._waiting: deque[_Waiting] = deque()
        self._uncertain: list[tuple[Frame, float]] = []  # (frame, server time when its write was tried)
        self._longest_freshness_s = freshness_s
        self._run_id: str | None = None
        self.waiting_bytes = 0
        self.written = 0  # frames that Redis took, those whose reply was lost included

    def write(self, frame: Frame) -> None:
        """Append a frame, after making room for it in the byte budget.

        A frame that Redis did not take is counted as dropped (`redis_full`, `redis_down`) and the error raised: StoreFull,
        StoreUnavailable. After a lost reply the frame is settled by the next `beat`.
        """
        size = len(frame.picture)
        tried_at = self._clock.now()
        horizon_ms = int((tried_at - self._longest_freshness_s - TRIM_GRACE_S) * 1000)
        try:
            if self.waiting_bytes + size > self._budget_bytes:
                self._make_room(size)
            with translated():
                entry_id = self._client.xadd(self._stream, encode_frame(frame), minid=max(0, horizon_ms), approximate=True)
        except StoreUnavailable:
            self._uncertain.append((frame, tried_at))
            raise
        except StoreError:
            self._on_drop("redis_full", 1)
            raise
        self._remember(entry_id, size, frame.header.deadline)

    def maintain(self) -> None:
        """Once a second: settle lost replies, withdraw overdue frames, forget answered ones, agree on the trimming horizon.

        Raises StoreUnavailable.
        """
        self._notice_restart()
        self._settle_uncertain()
        self._withdraw_overdue()
        self._forget_answered()
        key = self._keys.freshness(self._shard)
        with translated():
            self._client.zadd(key, {self._camera_id: self._freshness_s})
            self._longest_freshness_s = float(self._client.zrange(key, -1, -1, withscores=True)[0][1])

    def waiting(self) -> int:
        """Frames of ours that waited in Redis when we last looked."""
        return len(self._waiting)

    def abandon_uncertain(self) -> None:
        """Count the frames whose fate is unknown as dropped: Redis stays away and the producer leaves."""
        self._on_drop("redis_down", len(self._uncertain))
        self._uncertain.clear()

    def retire(self) -> None:
        """Take the camera out of the trimming horizon: it was removed for good. Raises StoreUnavailable."""
        with translated():
            self._client.zrem(self._keys.freshness(self._shard), self._camera_id)

    def _remember(self, entry_id: Any, size: int, deadline: float) -> None:  # noqa: ANN401 - see _order
        self._waiting.append(_Waiting(entry_id, size, deadline))
        self.written += 1
        self.waiting_bytes += size

    def _forget(self, kept: deque[_Waiting]) -> None:
        self._waiting = kept
        self.waiting_bytes = sum(entry.size for entry in kept)

    def _withdraw(self, entries: list[_Waiting], reason: str) -> None:
        if not entries:
            return
        with translated():
            removed = self._client.xdel(self._stream, *(entry.entry_id for entry in entries))
        gone = {entry.entry_id for entry in entries}
        self._forget(deque(entry for entry in self._waiting if entry.entry_id not in gone))
        if removed:
            self._on_drop(reason, int(removed))

    def _withdraw_overdue(self) -> None:
        now = self._clock.now()
        self._withdraw([entry for entry in self._waiting if entry.deadline + GRACE_S < now], "trimmed")

    def _make_room(self, size: int) -> None:
        """Withdraw our oldest frames that no worker has read, then, if that is not enough, our oldest at all."""
        unread = self._forget_answered()
        chosen, excess = [], self.waiting_bytes + size - self._budget_bytes
        for entry in [*unread, *(entry for entry in self._waiting if entry not in set(unread))]:
            if excess <= 0:
                break
            chosen.append(entry)
            excess -= entry.size
        self._withdraw(chosen, "budget")

    def _forget_answered(self) -> list[_Waiting]:
        """Drop from the account what workers have answered; returns our entries that nobody has read yet.

        An entry up to the group's last delivered id that is not pending any more was answered.
        """
        if not self._waiting:
            return []
        try:
            with translated():
                groups = {group["name"]: group for group in self._client.xinfo_groups(self._stream)}
                if self._group.encode() not in groups:
                    return list(self._waiting)
                last = _order(groups[self._group.encode()]["last-delivered-id"])
                first, final = self._waiting[0].entry_id, self._waiting[-1].entry_id
                listed = self._client.xpending_range(self._stream, self._group, first, final, LOOK_BACK)
        except GroupGone:
            return list(self._waiting)
        pending = {_order(entry["message_id"]) for entry in listed}
        # Past a full page we cannot tell; such entries stay until the next look.
        known = max(pending) if len(listed) == LOOK_BACK else last
        kept = deque(
            entry for entry in self._waiting if (order := _order(entry.entry_id)) > known or order > last or order in pending
        )
        self._forget(kept)
        return [entry for entry in kept if _order(entry.entry_id) > last]

    def _notice_restart(self) -> None:
        """A Redis that restarted without its data took our frames with it: count them."""
        with translated():
            run_id = run_id_of(self._client, self._stream)
            # Another camera may have made the stream anew by now; our name in the trimming horizon is nobody else's to write.
            restarted = self._run_id not in (None, run_id)
            lost = restarted and self._client.zscore(self._keys.freshness(self._shard), self._camera_id) is None
        self._run_id = run_id
        if lost and self._waiting:
            self._on_drop("redis_lost", len(self._waiting))
            self._forget(deque())

    def _settle_uncertain(self) -> None:
        while self._uncertain:
            frame, tried_at = self._uncertain[0]
            entry_id, answered = self._look_for(frame.header, tried_at)
            self._uncertain.pop(0)
            if entry_id is not None:
                self._remember(entry_id, len(frame.picture), frame.header.deadline)
            elif answered:
                self.written += 1
            else:
                self._on_drop("redis_down", 1)

    def _look_for(self, header: FrameHeader, tried_at: float) -> tuple[bytes | None, bool]:
        """The entry of a frame whose reply was lost, or whether a result of it is out."""
        name, since = (header.camera_id, header.sequence), int((tried_at - 1) * 1000)
        with translated():
            frames: Any = self._client.xrange(self._stream, since, "+", LOOK_BACK)
            results: Any = self._client.xrange(self._keys.results(self._shard), since, "+", LOOK_BACK)
        for entry_id, fields in frames:
            try:
                other = decode_header(str(entry_id), fields)
            except DecodeError:  # somebody else's broken entry: a worker buries it
                continue
            if (other.camera_id, other.sequence) == name:
                return entry_id, False
        for entry_id, fields in results:
            try:
                result = decode_result(str(entry_id), fields)
            except DecodeError:  # no result of ours
                continue
            if (result.camera_id, result.sequence) == name:
                return None, True
        return None, False


def _order(entry_id: Any) -> tuple[int, int]:  # noqa: ANN401 - redis-py types ids as whatever a decoder might make
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number or 0)
