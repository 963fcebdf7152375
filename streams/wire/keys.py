"""The names of everything that ferstream keeps in Redis."""

import zlib
from dataclasses import dataclass, replace
from typing import Any

from ferstream.streams.errors import StoreRefused


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one prefix, for `shards` shards. The braces are a Redis Cluster hash tag: a shard is one slot."""

    prefix: str = "fer"
    shards: int = 1

    def frames(self, shard: int) -> str:
        return f"{self.prefix}:frames:{{{shard}}}"

    def results(self, shard: int) -> str:
        return f"{self.prefix}:results:{{{shard}}}"

    def dead(self, shard: int) -> str:
        return f"{self.prefix}:dead:{{{shard}}}"

    def events(self, shard: int) -> str:
        return f"{self.prefix}:events:{{{shard}}}"

    def tracks(self, shard: int) -> str:
        """Hash camera -> the state of its tracks; and, under no name, how far the tracker of the shard is."""
        return f"{self.prefix}:tracks:{{{shard}}}"

    def account(self, shard: int) -> str:
        """Hash outcome -> frames: where every frame that was captured went."""
        return f"{self.prefix}:account:{{{shard}}}"

    def last(self, shard: int) -> str:
        """Hash camera -> the last step of its writer that Redis has done."""
        return f"{self.prefix}:last:{{{shard}}}"

    def age(self, shard: int) -> str:
        """Hash of what the last look for overdue frames left: when it was, and where to go on."""
        return f"{self.prefix}:age:{{{shard}}}"

    @property
    def cameras(self) -> str:
        return f"{self.prefix}:cameras"

    @property
    def workers(self) -> str:
        return f"{self.prefix}:workers"

    @property
    def trackers(self) -> str:
        """Hash shard -> the tracker that has it; and each tracker under its own name."""
        return f"{self.prefix}:trackers"

    @property
    def audit(self) -> str:
        """Stream of who subscribed to what."""
        return f"{self.prefix}:audit"

    @property
    def sinks(self) -> str:
        """Hash consumer group -> the sink that has it for itself."""
        return f"{self.prefix}:sinks"

    @property
    def shard_count(self) -> str:
        """How many shards this deployment has; the first process writes it, the others check."""
        return f"{self.prefix}:shards"

    def sharded(self, told: Any) -> "Keys":  # noqa: ANN401 - a reply of Redis
        """For as many shards as stands under `shard_count`; for as many as now where nothing does. Raises StoreRefused."""
        try:
            shards = int(told) if told is not None else self.shards
        except ValueError:
            shards = 0
        if shards < 1:
            raise StoreRefused(f"{self.shard_count} holds no number of shards: is it another program's? choose another --prefix")
        return replace(self, shards=shards)

    @property
    def watched(self) -> str:
        """Hash of the cameras whose pictures somebody looks at now."""
        return f"{self.prefix}:watched"

    def preview(self, camera_id: str) -> str:
        """Stream of one entry: the newest preview of a camera, in the slot of its results."""
        return f"{self.prefix}:preview:{{{self.shard_of(camera_id)}}}:{camera_id}"

    def shard_of(self, camera_id: str) -> int:
        """The shard that holds a camera: CRC-32 of its UTF-8 name, modulo the number of shards."""
        return zlib.crc32(camera_id.encode()) % self.shards
