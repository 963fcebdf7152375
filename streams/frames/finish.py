"""The end of a frame in Redis: with a result, as expired, or as a dead letter. Each takes its entry out of the stream.

The reply of XDEL tells whether the entry was still there, and only then the frame is counted by the worker that asks. Otherwise
its producer withdrew it, or another worker ended it first, and the frame is counted there.

After a lost reply the call is made `again`. A frame that is then neither pending nor in the stream counts here: it was pending
with us, so the first call ended it. Left uncounted, every outage would leave a hole in the account. Where instead its producer
withdrew it just before, or another worker claimed it while only we were cut off, it is counted twice: that takes two rare things
at once.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import redis

from ferstream.streams.errors import DecodeError
from ferstream.streams.frames.reader import Entry
from ferstream.streams.redis_client.cluster import node_of
from ferstream.streams.redis_client.connect import translated
from ferstream.streams.wire.codec import decode_result, encode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result

#: Dead letters kept, newest first to stay: enough to see what goes wrong, never a leak.
DEAD_LETTERS = 1000


class FrameFinisher:
    """Ends frames, each of which was read by a FrameReader. Safe to use from several threads."""

    def __init__(
        self, client: "redis.Redis", keys: Keys, *, group: str, keep_results_s: float, keep_dead_pictures: bool = False
    ) -> None:
        self._client, self._group = client, group
        self._frames, self._results, self._dead = (
            [name(shard) for shard in range(keys.shards)] for name in (keys.frames, keys.results, keys.dead)
        )
        self._keep_results_s = keep_results_s
        self._keep_dead_pictures = keep_dead_pictures

    def publish(self, answered: Sequence[tuple[Entry, Result]], now: float) -> list[bool]:
        """Publish results, and acknowledge and delete their frames, in one MULTI for each shard.

        Returns for each result whether it ended its frame; False is a repeat, which another worker or call has counted. Raises
        StoreUnavailable and StoreFull: then nothing was done, or everything and the reply was lost.
        """
        ended: dict[tuple[int, str], bool] = {}  # two shards may give two frames the same id
        horizon_ms = max(0, int((now - self._keep_results_s) * 1000))
        for shard in sorted({entry.shard for entry, _ in answered}):
            mine = [(entry, result) for entry, result in answered if entry.shard == shard]
            # In one MULTI, and the result first: a worker that is killed here leaves both or neither. Acknowledged before its
            # result is out, a frame could be lost; published before it is acknowledged, it would be computed again.
            with translated(), self._client.pipeline(transaction=True) as multi:
                for _, result in mine:
                    multi.xadd(self._results[shard], encode_result(result), minid=horizon_ms, approximate=True)
                replies = self._end(multi, shard, [entry for entry, _ in mine])
            ended |= {(shard, entry.entry_id): reply for (entry, _), reply in zip(mine, replies, strict=True)}
        return [ended[entry.shard, entry.entry_id] for entry, _ in answered]

    def published_since(self, entries: Sequence[Entry], worker: str, since: float) -> set[tuple[int, str]]:
        """Shards and ids of those `entries` of which `worker` has a result out since `since`: for use after a lost reply.

        Raises StoreUnavailable.
        """
        found: set[tuple[int, str]] = set()
        for shard in sorted({entry.shard for entry in entries}):
            wanted = {entry.entry_id for entry in entries if entry.shard == shard}
            with translated():
                listed = self._client.xrange(self._results[shard], max(0, int(since * 1000)), "+")
            for entry_id, fields in listed or []:
                try:
                    result = decode_result(str(entry_id), fields)  # type: ignore[arg-type]
                except DecodeError:  # no result of ours
                    continue
                if result.worker == worker and result.frame_id in wanted:
                    found.add((shard, result.frame_id))
        return found

    def expire(self, entries: Sequence[Entry], *, again: bool = False) -> list[bool]:
        """Acknowledge and delete frames past their deadline.

        Returns for each whether this call ended it, or with `again` the call before, whose reply was lost.
        Raises StoreUnavailable.
        """
        ended: dict[tuple[int, str], bool] = {}  # two shards may give two frames the same id
        for shard in sorted({entry.shard for entry in entries}):
            mine, stream = [entry for entry in entries if entry.shard == shard], self._frames[shard]
            since_s = self._server_began_at(shard) if again else 0
            # No MULTI: a full Redis refuses every command in one, also those that free memory.
            with translated(), self._client.pipeline(transaction=False) as pipe:
                for entry in mine:
                    pipe.xack(stream, self._group, entry.entry_id)
                    pipe.xdel(stream, entry.entry_id)
                replies = pipe.execute()
            for entry, pending, there in zip(mine, replies[::2], replies[1::2], strict=True):
                # What a restarted Redis has lost, its producer counts.
                by_lost_call = again and not pending and _written_s(entry) >= since_s
                ended[shard, entry.entry_id] = bool(there) or by_lost_call
        return [ended[entry.shard, entry.entry_id] for entry in entries]

    def bury(self, entry: Entry, reason: str, detail: str, now: float, *, again: bool = False) -> bool:
        """End a frame with a dead letter: its header and the reason, its picture only where this finisher keeps pictures.

        Returns whether this call ended the frame, or with `again` the call before, whose reply was lost. `again` comes with the
        same reason, detail and `now`, so that a letter that is out already is known and not written twice.
        Raises StoreUnavailable, StoreFull.
        """
        letter: dict[Any, Any] = {
            b"d": msgspec.msgpack.encode(
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
        if again and self._is_out(entry.shard, letter[b"d"], now):
            return True
        kept = (b"m", b"j") if self._keep_dead_pictures else (b"m",)
        letter |= {field: entry.fields[field] for field in kept if field in entry.fields}
        with translated(), self._client.pipeline(transaction=True) as multi:
            multi.xadd(self._dead[entry.shard], letter, maxlen=DEAD_LETTERS, approximate=True)
            return self._end(multi, entry.shard, [entry])[0]

    def _is_out(self, shard: int, letter: bytes, now: float) -> bool:
        """Whether this very letter, written at about `now`, is in Redis: the MULTI whose reply was lost did run."""
        with translated():
            listed: Any = self._client.xrange(self._dead[shard], max(0, int((now - 1) * 1000)), "+")
        return any(fields.get(b"d") == letter for _, fields in listed)

    def _server_began_at(self, shard: int) -> int:
        """Seconds since the epoch, by its own clock, at which the server that holds a shard was started."""
        with translated():
            about = node_of(self._client, self._frames[shard]).info("server")
        return int(about["server_time_usec"]) // 1_000_000 - int(about["uptime_in_seconds"])

    def _end(self, multi: "redis.client.Pipeline", shard: int, entries: Sequence[Entry]) -> list[bool]:
        stream = self._frames[shard]
        multi.xack(stream, self._group, *(entry.entry_id for entry in entries))
        for entry in entries:
            multi.xdel(stream, entry.entry_id)
        replies = multi.execute()
        return [bool(reply) for reply in replies[-len(entries) :]]


def _written_s(entry: Entry) -> int:
    """When an entry was written, in whole seconds of the server's clock: its id begins with that."""
    return int(entry.entry_id.partition("-")[0]) // 1000
