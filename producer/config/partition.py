"""Which cameras of one file this producer reads, where several producers share it."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from ferstream.producer.errors import ConfigError

#: Both names of the option, as either may have been given.
_OPTION = "--partition (or --camera-shard)"
_SYNTAX = re.compile(r"(?:\S+-)?(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Partition:
    """Part `index` of `count`, counted from 0. Raises ConfigError where there is no such part."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ConfigError(f"{_OPTION} {self}: partitions are counted from 0, so the first number must be below the second")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From I/N, or from NAME-I/N, as a pod of a StatefulSet is named. Raises ConfigError."""
        match = _SYNTAX.fullmatch(text.strip())
        if match is None:
            raise ConfigError(
                f"{_OPTION} wants I/N, for instance 0/4, or a pod's name for I (fer-producer-0/4), not {text!r:.80}"
            )
        return cls(int(match[1]), int(match[2]))

    def holds(self, camera_id: str) -> bool:
        """Whether the camera is ours: BLAKE2b of its UTF-8 name, 8 bytes as a big-endian number, modulo the number of partitions.

        Not CRC-32, by which cameras are split over shards: each of three producers would write to one of three shards only.
        """
        digest = hashlib.blake2b(camera_id.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
