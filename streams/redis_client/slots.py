"""The slot of a Redis Cluster that a command goes to."""

from collections.abc import Sequence
from typing import Any

from redis.crc import key_slot

#: A command without a key goes to the node that holds this one: the same for all, so that all ask one node for the time.
COMMON_KEY = "fer:shards"


def slot_of(arguments: Sequence[Any]) -> int:
    """The slot of a command's key. A ferstream command has one key, or several of one slot."""
    name = str(arguments[0]).upper()
    if name in ("XREAD", "XREADGROUP"):
        words = [argument.upper() if isinstance(argument, str | bytes) else argument for argument in arguments]
        return key_slot(_encoded(arguments[words.index(b"STREAMS" if b"STREAMS" in words else "STREAMS") + 1]))
    if name in ("EVAL", "EVALSHA"):
        return key_slot(_encoded(arguments[3] if int(arguments[2]) else COMMON_KEY))
    keyless = name in ("TIME", "INFO", "PING") or len(arguments) < 2
    return key_slot(_encoded(COMMON_KEY if keyless else arguments[1]))


def _encoded(key: Any) -> bytes:  # noqa: ANN401 - what a command holds
    return key if isinstance(key, bytes) else str(key).encode()
