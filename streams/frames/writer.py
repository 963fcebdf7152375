"""Writing one camera's frames, and keeping count of those that wait in Redis.

The account of the fleet balances because of one rule. A frame's entry leaves its stream by XDEL, sent by a worker that ended the
frame or by the producer that withdraws it. XDEL tells how many entries it removed, and only the one whose XDEL removed the entry
counts the frame.
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

#: A worker that reads an overdue frame ends it as expired. The producer leaves it so much time before it withdraws the frame.
GRACE_S = 1.0
#: XADD's MINID trims what is left of producers that were killed. A living producer has withdrawn its own frames long before.
TRIM_GRACE_S = 10.0
#: Entries looked through to find a frame whose reply was lost, and pending entries listed at once.
LOOK_BACK = 1000


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame of this camera that was in Redis when we last looked."""

    entry_id: bytes
    size: int
    deadline: float


class FrameWriter:
    """Writes the frames of one camera, and tells `on_drop(reason, frames)` of those that it withdraws or cannot write.

    `maintain` is called once a second. Not thread-safe: one thread writes and maintains.
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

        Raises StoreError, StoreFull among them, with the frame dropped (`redis_full`), and StoreUnavailable with the frame
        remembered: `maintain` finds out whether Redis has it, and drops it (`redis_down`) if not.
        """
        size = len(frame.picture)
        tried_at = self._clock.now()
        horizon_ms = int((tried_at - self._longest_freshness_s - TRIM_GRACE_S) * 1000)
        try:
            if self.waiting_bytes + size > self._budget_bytes:
                self._make_room(size)
            # Trimming reaches back as far as the longest freshness of all cameras of the shard: they share the stream, and MINID
            # cuts everybody's entries. `~` trims whole nodes of the stream only, which costs next to nothing.
            with translated():
                entry_id = self._client.xadd(self._stream, encode_frame(frame), minid=max(0, horizon_ms), approximate=True)
        except StoreUnavailable:
            # The command may have been done and only its reply lost. Sending it again could write the frame twice, and counting
            # it as dropped could count a frame that a worker answers. So it is neither until Redis can be asked.
            self._uncertain.append((frame, tried_at))
            raise
        except StoreError:
            self._on_drop("redis_full", 1)
            raise
        self._remember(entry_id, size, frame.header.deadline)

    def maintain(self) -> None:
        """Find out about lost replies, withdraw overdue frames, forget ended ones, and learn how far back trimming may reach.

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
        """Drop the frames whose reply was lost: Redis stays away and the producer leaves, so that it can ask no more."""
        self._on_drop("redis_down", len(self._uncertain))
        self._uncertain.clear()

    def retire(self) -> None:
        """Let trimming disregard this camera, which was removed for good. Raises StoreUnavailable."""
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
        # A worker may have ended some of them meanwhile: it has counted those, and XDEL does not find them.
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
        """Withdraw the oldest frames until a new one of `size` bytes fits into the budget.

        The budget bounds what one camera takes of Redis's memory: where workers are too few, the newest frames are kept and the
        oldest go. First those that no worker has read; then any, as a worker that was killed would hold the budget for good.
        """
        unread = self._forget_answered()
        chosen, excess = [], self.waiting_bytes + size - self._budget_bytes
        for entry in [*unread, *(entry for entry in self._waiting if entry not in set(unread))]:
            if excess <= 0:
                break
            chosen.append(entry)
            excess -= entry.size
        self._withdraw(chosen, "budget")

    def _forget_answered(self) -> list[_Waiting]:
        """Forget the frames that workers have ended; returns those of ours that no worker has read yet.

        Workers tell producers nothing, the group does: an entry that was delivered (its id is not above the group's last) and is
        not pending any more was ended.
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
        # Of what is behind a full page we know nothing; it is looked at the next time.
        known = max(pending) if len(listed) == LOOK_BACK else last
        kept = deque(
            entry for entry in self._waiting if (order := _order(entry.entry_id)) > known or order > last or order in pending
        )
        self._forget(kept)
        return [entry for entry in kept if _order(entry.entry_id) > last]

    def _notice_restart(self) -> None:
        """Where Redis restarted without its data, drop the frames that it had (`redis_lost`): no worker can end them now.

        A restart is seen by the server's run id; that the data is gone, by our name, which only we write into the sorted set of
        freshness. The stream itself may be there again, made by another camera.
        """
        with translated():
            run_id = run_id_of(self._client, self._stream)
            restarted = self._run_id not in (None, run_id)
            lost = restarted and self._client.zscore(self._keys.freshness(self._shard), self._camera_id) is None
        self._run_id = run_id
        if lost and self._waiting:
            self._on_drop("redis_lost", len(self._waiting))
            self._forget(deque())

    def _settle_uncertain(self) -> None:
        """Find out what became of frames whose reply was lost: in the stream, ended by a worker already, or never written."""
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
        """The id of a frame's entry if it is in the stream; else None, and whether a result of it is out.

        Looks only at what was written since `tried_at`, less a second for the clocks. A frame is known by camera and sequence.
        """
        name, since = (header.camera_id, header.sequence), int((tried_at - 1) * 1000)
        with translated():
            frames: Any = self._client.xrange(self._stream, since, "+", LOOK_BACK)
            results: Any = self._client.xrange(self._keys.results(self._shard), since, "+", LOOK_BACK)
        for entry_id, fields in frames:
            try:
                other = decode_header(str(entry_id), fields)
            except DecodeError:  # not ours: a worker makes a dead letter of it
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
