"""The names of everything that ferstream keeps in Redis."""

import zlib
from dataclasses import dataclass


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

    def freshness(self, shard: int) -> str:
        """Sorted set camera -> freshness budget: trimming by age must not cut another producer's frames short."""
        return f"{self.prefix}:freshness:{{{shard}}}"

    @property
    def cameras(self) -> str:
        return f"{self.prefix}:cameras"

    @property
    def shard_count(self) -> str:
        """How many shards this deployment has; the first process writes it, the others check."""
        return f"{self.prefix}:shards"

    def preview(self, camera_id: str) -> str:
        return f"{self.prefix}:preview:{camera_id}"

    def shard_of(self, camera_id: str) -> int:
        """The shard that holds a camera: CRC-32 of its UTF-8 name, modulo the number of shards."""
        return zlib.crc32(camera_id.encode()) % self.shards
