"""The consumer groups that read results and events: how far behind each is, and whether anybody reads for it."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import redis

from ferstream.streams.errors import GroupGone
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

#: A member asks for more every few seconds; one that did not for so long is gone, or hangs.
SILENT_S = 30.0
#: A group for which nobody has read for so long is nobody's any more: it is shown, and not called a problem.
FORGET_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderGroup:
    """One group over all shards. `unread_s` is how old the oldest entry is that it has not read, None where it has read all.

    `read_ago_s` is when a member last asked for more, or where there is none, when what it read last was published; None where
    it never read. `behind` is None where Redis does not know how many entries wait.
    """

    name: str
    of: Literal["results", "events"]
    members: int
    read_ago_s: float | None
    unread_s: float | None
    pending: int
    behind: int | None

    @property
    def is_read(self) -> bool:
        """Whether somebody reads for it."""
        return self.members > 0 and self.read_ago_s is not None and self.read_ago_s < SILENT_S

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody has read for it for so long that nobody is expected to."""
        return not self.is_read and (self.read_ago_s is None or self.read_ago_s >= FORGET_S)


def read_groups(client: "redis.Redis", keys: Keys, now: float) -> list[ReaderGroup]:
    """Every group that reads results or events, in the order of names. Raises StoreError.

    Redis's `lag` is wrong or missing after entries were trimmed: whether a group is behind is told by the first entry after the
    last that it was given, and lag is shown only beside that.
    """
    found: dict[tuple[str, str], list[ReaderGroup]] = {}
    for of in ("results", "events"):
        for shard in range(keys.shards):
            stream = keys.results(shard) if of == "results" else keys.events(shard)
            for group in _groups(client, stream):
                with suppress(GroupGone):  # somebody removed it just now
                    part = _part(client, stream, of, group, now)
                    found.setdefault((of, part.name), []).append(part)
    return [_together(parts) for _, parts in sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))]


def _groups(client: "redis.Redis", stream: str) -> list[dict[str, Any]]:
    try:
        with translated():
            groups: list[dict[str, Any]] = client.xinfo_groups(stream)
    except GroupGone:  # nobody has written into this stream yet, nor read it in a group
        return []
    return groups


def _part(client: "redis.Redis", stream: str, of: Any, group: dict[str, Any], now: float) -> ReaderGroup:  # noqa: ANN401 - a Literal
    with translated():
        consumers: list[dict[str, Any]] = client.xinfo_consumers(stream, group["name"])
        reply: Any = client.xread({stream: group["last-delivered-id"]}, count=1)
    unread = reply[0][1][0][0] if reply else None
    last_at = _seconds(group["last-delivered-id"])
    ago_s = min((one["idle"] / 1000 for one in consumers), default=now - last_at if last_at else None)
    return ReaderGroup(
        name=group["name"].decode(errors="replace"),
        of=of,
        members=len(consumers),
        read_ago_s=ago_s,
        unread_s=None if unread is None else max(0.0, now - _seconds(unread)),
        pending=group["pending"],
        behind=0 if unread is None else group.get("lag"),
    )


def _together(parts: list[ReaderGroup]) -> ReaderGroup:
    """A group's parts of all shards: of ages the worst, which of reading is the longest ago."""
    first = parts[0]
    lags = [part.behind for part in parts if part.behind is not None]
    return ReaderGroup(
        name=first.name,
        of=first.of,
        members=max(part.members for part in parts),
        read_ago_s=max((part.read_ago_s for part in parts if part.read_ago_s is not None), default=None),
        unread_s=max((part.unread_s for part in parts if part.unread_s is not None), default=None),
        pending=sum(part.pending for part in parts),
        behind=sum(lags) if len(lags) == len(parts) else None,
    )


def _seconds(entry_id: bytes) -> float:
    return int(entry_id.partition(b"-")[0]) / 1000
