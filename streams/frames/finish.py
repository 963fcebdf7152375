"""The end of a frame in Redis: with a result, as expired, as a dead letter, or withdrawn by its producer.

All of them are one script (scripts/end.lua). It takes the entry out of its stream, and only where the entry was still there it
adds the result and keeps the account. So two workers that hold one frame publish one result, and a call whose reply was lost is
simply made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import redis

from ferstream.streams.frames import account
from ferstream.streams.frames.previews import MOMENT_S, PREVIEW_S
from ferstream.streams.frames.reader import Entry
from ferstream.streams.redis_client.commands import LuaScript
from ferstream.streams.wire.codec import MAX_HEADER_BYTES, encode_preview, encode_result, is_accounted
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Preview, Result

#: Dead letters kept, newest first to stay: enough to see what goes wrong, never a leak.
DEAD_LETTERS = 1000
#: Frames ended in one step: Redis does nothing else meanwhile.
AT_ONCE = 500

_END = LuaScript(__file__, "end")


@dataclass(frozen=True, slots=True)
class Ending:
    """How one frame ends: the field of the account that counts it, and what is added to the results or the dead letters."""

    entry_id: str | bytes
    field: str
    adds: Literal["", "result", "letter", "letter+picture"] = ""
    message: bytes = b""
    header: bytes = b""
    accounted: bool = True  # its capture is in the account
    preview: Preview | None = None
    watched_until: float = 0.0  # somebody looks at the preview until then


def answered(entry: Entry, result: Result, preview: Preview | None = None, watched_until: float = 0.0) -> Ending:
    """With a result, and a preview beside it, where somebody looks at the camera until then."""
    message = encode_result(result)[b"r"]
    return Ending(
        entry.entry_id,
        account.PUBLISHED,
        "result",
        message,
        accounted=is_accounted(entry.fields),
        preview=preview,
        watched_until=watched_until,
    )


def expired(entry: Entry) -> Ending:
    """Past its deadline: with nothing."""
    return Ending(entry.entry_id, account.EXPIRED, accounted=is_accounted(entry.fields))


def dead(entry: Entry, reason: str, detail: str, now: float, *, keep_picture: bool = False) -> Ending:
    """With a dead letter: its header, why it died, and its picture only where that is asked for."""
    message = {
        "frame_id": entry.entry_id,
        "reason": reason,
        "detail": detail,
        "deliveries": entry.deliveries,
        "died_at": now,
        "picture_bytes": len(entry.fields.get(b"j", b"")),
    }
    header = entry.fields.get(b"m", b"")
    return Ending(
        entry.entry_id,
        account.dead(reason),
        "letter+picture" if keep_picture else "letter",
        msgspec.msgpack.encode(message),
        header if len(header) <= MAX_HEADER_BYTES else b"",
        is_accounted(entry.fields),
    )


def withdrawn(entry_id: bytes, field: str) -> Ending:
    """By its producer, with nothing."""
    return Ending(entry_id, field)


class FrameFinisher:
    """Ends frames. Results that are older than `keep_results_s` are trimmed on the way. Safe to use from several threads."""

    def __init__(self, client: "redis.Redis", keys: Keys, *, group: str, keep_results_s: float = 0.0) -> None:
        self._client, self._group, self._preview_key = client, group, keys.preview
        names = (keys.frames, keys.account, keys.results, keys.dead)
        self._keys = [[name(shard) for name in names] for shard in range(keys.shards)]
        self._keep_results_s = keep_results_s

    def end(self, shard: int, endings: Sequence[Ending], now: float) -> list[bool]:
        """End frames of one shard; says of each whether this call did it. False: it was ended before, and is counted there.

        Raises StoreError. After StoreUnavailable it may have been done: calling again is safe, and then says False.
        """
        ended: list[bool] = []
        for start in range(0, len(endings), AT_ONCE):
            ended += self._end(shard, endings[start : start + AT_ONCE], now)
        return ended

    def _end(self, shard: int, endings: Sequence[Ending], now: float) -> list[bool]:
        """In one step."""
        keys = self._keys[shard]
        if not any(each.adds for each in endings):  # a producer only withdraws: it has no right to what frames are added to
            keys = keys[:2]
        arguments: list[str | bytes | int] = [self._group, max(0, int((now - self._keep_results_s) * 1000)), DEAD_LETTERS]
        for each in endings:
            arguments += [each.entry_id, each.field, each.adds, int(each.accounted), each.message, each.header]
        for number, each in enumerate(endings, 1):
            if each.preview and (life_s := min(PREVIEW_S, each.watched_until + MOMENT_S - now)) > 0:
                keys = [*keys, self._preview_key(each.preview.camera_id)]
                arguments += [number, *_written(each.preview, life_s)]
        return [bool(removed) for removed in _END.run(self._client, keys, *arguments)]


def _written(preview: Preview, life_s: float) -> list[int | bytes]:
    """A preview as the script takes it. Its id has room for every time that a clock shows, and for no other."""
    fields = encode_preview(preview)
    captured_ms = int(1000 * min(max(preview.captured_at, 0.0), 1e12))
    return [captured_ms, max(1, int(1000 * life_s)), fields[b"m"], fields[b"j"]]
