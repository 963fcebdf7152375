"""Frames that nobody ends: their producer was killed, and no worker read them in time."""

import redis

from ferstream.streams.redis_client.commands import LuaScript
from ferstream.streams.wire.codec import ACCOUNTED_SINCE
from ferstream.streams.wire.keys import Keys

#: A worker that reads an overdue frame ends it as expired; after so long its producer withdraws it.
GRACE_S = 1.0
#: A producer that lives has withdrawn it by then, and has counted it. It looks once a second.
ORPHANED_S = GRACE_S + 2.0
#: Entries looked at in one call. Redis copies their pictures within itself, some megabytes at most.
LOOKED_AT = 32

_AGE = LuaScript(__file__, "age")


class OverdueFrames:
    """The overdue frames of a shard, for producers and workers that look for them once a second."""

    def __init__(self, client: "redis.Redis", keys: Keys, shard: int, group: str) -> None:
        self._client, self._group = client, group
        self._keys = [keys.frames(shard), keys.account(shard), keys.age(shard)]

    def end(self) -> tuple[int, int]:
        """End some of them; does nothing where within the last second another process found few or none.

        Returns how many expired, and how many had vanished from the stream. Both are in the account then. Raises StoreError.
        """
        expired, vanished = _AGE.run(self._client, self._keys, self._group, ORPHANED_S, LOOKED_AT, ACCOUNTED_SINCE)
        return int(expired), int(vanished)
