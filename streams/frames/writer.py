"""Writing one camera's frames, and keeping count of those that wait in Redis.

A frame is written in one MULTI, together with the number of this step and with what the camera dropped since the step before: so
the account always holds what the stream holds. After a lost reply the number in Redis tells whether the step was done. After a
restart or a failover it tells how much Redis has forgotten.
"""

import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import redis

from ferstream.streams.errors import GroupGone, StoreError, StoreUnavailable
from ferstream.streams.frames import account
from ferstream.streams.frames.age import GRACE_S, OverdueFrames
from ferstream.streams.frames.finish import FrameFinisher, withdrawn
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.codec import encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame

#: Pending entries listed at once.
LISTED = 1000


class UnaccountedDrops:
    """Frames of one camera that were captured and dropped, until the account has them. Safe to use from several threads."""

    def __init__(self) -> None:
        self._frames: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, reason: str, frames: int) -> None:
        with self._lock:
            self._frames[reason] += frames

    def take(self) -> Counter[str]:
        """All of them, by reason: they are the caller's now."""
        with self._lock:
            taken, self._frames = self._frames, Counter()
            return taken

    def put_back(self, taken: Counter[str]) -> None:
        """They could not be accounted for: the next one tries again."""
        with self._lock:
            self._frames.update(taken)

    def __bool__(self) -> bool:
        return bool(self._frames)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame of this camera that was in Redis when we last looked; `step` wrote it."""

    entry_id: bytes
    order: tuple[int, int]  # the entry id, as Redis orders it
    size: int
    deadline: float
    step: int


@dataclass(frozen=True, slots=True)
class _Uncertain:
    """The last step that was tried: its reply was lost."""

    drops: Counter[str]
    had_frame: bool


class FrameWriter:
    """Writes the frames of one camera. `drops` are those that the account has still to be told of.

    `on_dropped(reason, frames)` tells of frames that were in Redis: taken back from it, or forgotten by it.
    `maintain` is called once a second. Not thread-safe, but for `drops`: one thread writes and maintains.
    """

    def __init__(
        self,
        client: "redis.Redis",
        keys: Keys,
        clock: ServerClock,
        camera_id: str,
        *,
        group: str,
        budget_bytes: int,
        drops: UnaccountedDrops,
        on_dropped: Callable[[str, int], None],
    ) -> None:
        self._client, self._clock = client, clock
        self._camera_id, self._group = camera_id, group
        self._shard = keys.shard_of(camera_id)
        self._stream, self._account, self._last = (name(self._shard) for name in (keys.frames, keys.account, keys.last))
        self._finisher = FrameFinisher(client, keys, group=group)
        self._overdue = OverdueFrames(client, keys, self._shard, group)
        self._budget_bytes, self._drops, self._on_dropped = budget_bytes, drops, on_dropped
        self._waiting: deque[_Waiting] = deque()
        self._token = secrets.token_hex(8)
        self._tried = self._done = 0  # steps
        self._uncertain: _Uncertain | None = None
        self.waiting_bytes = 0

    @property
    def uncertain(self) -> bool:
        """Whether a reply was lost: `settle` before anything else is written."""
        return self._uncertain is not None

    def write(self, frame: Frame) -> None:
        """Append a frame, after making room for it in the byte budget.

        Raises StoreUnavailable where it may have been written all the same (`settle` finds out), another StoreError where not.
        """
        size = len(frame.picture)
        if self.waiting_bytes + size > self._budget_bytes:
            self._make_room(size)
        entry_id = self._step(frame)
        self._waiting.append(_Waiting(entry_id, _order(entry_id), size, frame.header.deadline, self._done))
        self.waiting_bytes += size

    def settle(self) -> bool | None:
        """After a lost reply: whether the frame of that step was written; None if there was none. Raises StoreUnavailable."""
        step = self._uncertain
        if step is None:
            return None
        known = self._step_in_redis()
        done, self._uncertain = known == self._tried, None
        if done:
            # The frame's entry id came with the lost reply: if no worker ends the frame, `OverdueFrames.end` does.
            self._done = self._tried
        else:
            self._drops.put_back(step.drops)
            self._count_forgotten(known)  # the next step would tell as well, if its reply is not lost
        return done if step.had_frame else None

    def maintain(self) -> None:
        """Notice what Redis forgot, withdraw overdue frames, forget ended ones, tell the account of drops. Raises StoreError.

        Also ends overdue frames of the shard that have lost their producer.
        """
        self._notice_forgotten()
        now = self._clock.now()
        self._withdraw([entry for entry in self._waiting if entry.deadline + GRACE_S < now], "trimmed")
        self._forget_ended()
        self._overdue.end()
        if self._drops:
            self._step(None)

    def waiting(self) -> int:
        """Frames of ours that waited in Redis when we last looked."""
        return len(self._waiting)

    def recall(self, reason: str) -> None:
        """Withdraw what still waits, and tell the account of the last drops: nobody waits for an answer. Raises StoreError."""
        self._notice_forgotten()
        self._withdraw(list(self._waiting), reason)
        if self._drops:
            self._step(None)

    def retire(self) -> None:
        """The camera was removed for good: take its last step out of Redis, unless another writer has it. Raises StoreError."""
        if self._step_in_redis():
            with translated():
                self._client.hdel(self._last, self._camera_id)

    def _step(self, frame: Frame | None) -> Any:  # noqa: ANN401 - an entry id, as redis-py has it
        """One MULTI: the frame if there is one, the number of this step, and what the account has not been told yet."""
        drops = self._drops.take()
        self._tried += 1
        try:
            with translated(), self._client.pipeline(transaction=True) as multi:
                multi.hget(self._last, self._camera_id)
                if frame:
                    multi.xadd(self._stream, encode_frame(frame))
                multi.hset(self._last, self._camera_id, f"{self._token}:{self._tried}")
                if captured := drops.total() + bool(frame):
                    multi.hincrby(self._account, account.CAPTURED, captured)
                for reason, frames in drops.items():
                    multi.hincrby(self._account, account.dropped(reason), frames)
                known, entry_id, *_ = multi.execute()
        except StoreUnavailable:
            self._uncertain = _Uncertain(drops, frame is not None)
            raise
        except StoreError:
            self._drops.put_back(drops)
            raise
        self._count_forgotten(self._step_of(known))
        self._done = self._tried
        return entry_id

    def _step_in_redis(self) -> int | None:
        with translated():
            return self._step_of(self._client.hget(self._last, self._camera_id))

    def _step_of(self, value: Any) -> int | None:  # noqa: ANN401 - a reply, as redis-py types it
        """The last step of ours that Redis knows, 0 where it knows none; None where another writer has our camera."""
        if value is None:
            return 0
        token, _, step = value.decode().partition(":")
        return int(step) if token == self._token else None

    def _notice_forgotten(self) -> None:
        """Where Redis came back without its last steps, say so in Redis, whose next restart shall be noticed too."""
        if self._done and self._count_forgotten(self._step_in_redis()):
            self._step(None)

    def _count_forgotten(self, known: int | None) -> bool:
        """Whether `known` is not our last step. The frames that Redis forgot are counted: no worker can end them now.

        What it forgot of the account went with them, so that the lost frames are accounted for anew.
        """
        if known is None or known >= self._done:
            return False
        lost = [entry for entry in self._waiting if entry.step > known]
        self._keep(entry for entry in self._waiting if entry.step <= known)
        if lost:
            self._drops.add("redis_lost", len(lost))
            self._on_dropped("redis_lost", len(lost))
        return True

    def _keep(self, entries: Iterable[_Waiting]) -> None:
        self._waiting = deque(entries)
        self.waiting_bytes = sum(entry.size for entry in self._waiting)

    def _withdraw(self, entries: list[_Waiting], reason: str) -> None:
        endings = [withdrawn(entry.entry_id, account.dropped(reason)) for entry in entries]
        removed = sum(self._finisher.end(self._shard, endings, self._clock.now()))
        if entries:
            gone = {entry.entry_id for entry in entries}
            self._keep(entry for entry in self._waiting if entry.entry_id not in gone)
        if removed:
            self._on_dropped(reason, removed)

    def _make_room(self, size: int) -> None:
        """Withdraw the oldest frames until a new one of `size` bytes fits into the budget.

        The budget bounds what one camera takes of Redis's memory: where workers are too few, the newest frames are kept and the
        oldest go. First those that no worker has read; then any, as a worker that was killed would hold the budget for good.
        """
        last_read = self._forget_ended()
        chosen, excess = [], self.waiting_bytes + size - self._budget_bytes
        for entry in sorted(self._waiting, key=lambda entry: entry.order <= last_read):
            if excess <= 0:
                break
            chosen.append(entry)
            excess -= entry.size
        self._withdraw(chosen, "budget")

    def _forget_ended(self) -> tuple[int, int]:
        """Forget the frames that workers have ended; returns the last entry that workers have read.

        Workers tell producers nothing, the group does: an entry that was delivered (its id is not above the group's last) and is
        not pending any more was ended.
        """
        nothing_read = (0, 0)
        if not self._waiting:
            return nothing_read
        try:
            with translated():
                groups = {group["name"]: group for group in self._client.xinfo_groups(self._stream)}
                if self._group.encode() not in groups:
                    return nothing_read
                last = _order(groups[self._group.encode()]["last-delivered-id"])
                first, final = self._waiting[0].entry_id, self._waiting[-1].entry_id
                listed = self._client.xpending_range(self._stream, self._group, first, final, LISTED)
        except GroupGone:
            return nothing_read
        pending = {_order(entry["message_id"]) for entry in listed}
        # Of what is behind a full page we know nothing; it is looked at the next time.
        known = max(pending) if len(listed) == LISTED else last
        self._keep(entry for entry in self._waiting if entry.order > min(known, last) or entry.order in pending)
        return last


def _order(entry_id: Any) -> tuple[int, int]:  # noqa: ANN401 - redis-py types ids as whatever a decoder might make
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number or 0)
