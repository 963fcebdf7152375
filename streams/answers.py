"""What a worker says of the frames it took: a result, expired, or dead. Each ends the frame's entry.

The reply of XDEL tells whether the entry was still there: only then the frame is counted here. Otherwise its producer
withdrew it, or another worker answered it first, and the frame is counted there.
"""

from collections.abc import Sequence
from typing import Any

import msgpack
import redis

from streams.codec import decode_result, encode_result
from streams.connection import translated
from streams.errors import DecodeError
from streams.keys import Keys
from streams.messages import Result
from streams.reader import Entry

#: Dead letters kept, newest first to stay: enough to see what goes wrong, never a leak.
DEAD_LETTERS = 1000


class FrameAnswers:
    """Ends frame entries. Safe to use from several threads."""

    def __init__(
        self, client: "redis.Redis", keys: Keys, *, group: str, keep_results_s: float, keep_dead_pictures: bool = False
    ) -> None:
        self._client, self._keys, self._group = client, keys, group
        self._keep_results_s = keep_results_s
        self._keep_dead_pictures = keep_dead_pictures

    def publish(self, answered: Sequence[tuple[Entry, Result]], now: float) -> list[bool]:
        """Publish results, then acknowledge and delete their frames, in one MULTI a shard.

        Returns for each whether it ended its frame (False: a repeat). Raises RedisUnavailable, RedisFull: nothing, or
        everything with its reply lost, was done; publishing again repeats a result but loses none.
        """
        ended: dict[tuple[int, str], bool] = {}  # two shards may give two frames the same id
        horizon_ms = max(0, int((now - self._keep_results_s) * 1000))
        for shard in sorted({entry.shard for entry, _ in answered}):
            mine = [(entry, result) for entry, result in answered if entry.shard == shard]
            with translated(), self._client.pipeline(transaction=True) as multi:
                for _, result in mine:
                    multi.xadd(self._keys.results(shard), encode_result(result), minid=horizon_ms, approximate=True)
                replies = self._end(multi, shard, [entry for entry, _ in mine])
            ended |= {(shard, entry.entry_id): reply for (entry, _), reply in zip(mine, replies, strict=True)}
        return [ended[entry.shard, entry.entry_id] for entry, _ in answered]

    def published_since(self, entries: Sequence[Entry], worker: str, since: float) -> set[tuple[int, str]]:
        """Shards and ids of those `entries` of which `worker` has a result out since `since`: for use after a lost reply.

        Raises RedisUnavailable.
        """
        found: set[tuple[int, str]] = set()
        for shard in sorted({entry.shard for entry in entries}):
            wanted = {entry.entry_id for entry in entries if entry.shard == shard}
            with translated():
                listed = self._client.xrange(self._keys.results(shard), max(0, int(since * 1000)), "+")
            for entry_id, fields in listed or []:
                try:
                    result = decode_result(str(entry_id), fields)  # type: ignore[arg-type]
                except DecodeError:  # no result of ours
                    continue
                if result.worker == worker and result.frame_id in wanted:
                    found.add((shard, result.frame_id))
        return found

    def expire(self, entries: Sequence[Entry]) -> list[bool]:
        """Acknowledge and delete frames past their deadline; returns for each whether it was still there.

        Raises RedisUnavailable.
        """
        ended: dict[tuple[int, str], bool] = {}  # two shards may give two frames the same id
        for shard in sorted({entry.shard for entry in entries}):
            mine = [entry for entry in entries if entry.shard == shard]
            # No MULTI: a full Redis refuses every command in one, also those that free memory.
            with translated(), self._client.pipeline(transaction=False) as pipe:
                replies = self._end(pipe, shard, mine)
            ended |= {(shard, entry.entry_id): reply for entry, reply in zip(mine, replies, strict=True)}
        return [ended[entry.shard, entry.entry_id] for entry in entries]

    def bury(self, entry: Entry, reason: str, detail: str, now: float) -> bool:
        """Keep a frame aside as a dead letter: its header and reason, its picture only if asked.

        Raises RedisUnavailable, RedisFull.
        """
        letter: dict[Any, Any] = {
            b"d": msgpack.packb(
                {
                    "frame_id": entry.entry_id,
                    "reason": reason,
                    "detail": detail,
                    "deliveries": entry.deliveries,
                    "died_at": now,
                    "picture_bytes": len(entry.fields.get(b"j", b"")),
                }
            )
        }
        kept = (b"m", b"j") if self._keep_dead_pictures else (b"m",)
        letter |= {field: entry.fields[field] for field in kept if field in entry.fields}
        with translated(), self._client.pipeline(transaction=True) as multi:
            multi.xadd(self._keys.dead(entry.shard), letter, maxlen=DEAD_LETTERS, approximate=True)
            return self._end(multi, entry.shard, [entry])[0]

    def _end(self, multi: "redis.client.Pipeline", shard: int, entries: Sequence[Entry]) -> list[bool]:
        stream = self._keys.frames(shard)
        multi.xack(stream, self._group, *(entry.entry_id for entry in entries))
        for entry in entries:
            multi.xdel(stream, entry.entry_id)
        replies = multi.execute()
        return [bool(reply) for reply in replies[-len(entries) :]]
