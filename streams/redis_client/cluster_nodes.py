"""What both clients of a Redis Cluster need: how to reach its nodes, which slot a command goes to, what an error says."""

from collections.abc import Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import ClusterDownError, RedisClusterException, RedisError

Address = tuple[str, int]

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


def cluster_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """What a connection of one server takes, as redis-py's clients of a cluster want it, and what we want of these."""
    ours = {name: value for name, value in settings.items() if name != "connection_class"}
    tls = {"ssl": True} if "connection_class" in settings else {}
    return ours | tls | {"require_full_coverage": False, "reinitialize_steps": 0}


def cause_of(error: RedisClusterException) -> RedisError:
    """What is behind redis-py's words about a cluster as a whole, which are no RedisError."""
    cause = error.__cause__ or error.__context__
    while cause:
        if isinstance(cause, RedisError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return ClusterDownError(str(error))


def name_node(error: RedisError) -> None:
    """Make the error say which of the nodes it was."""
    node = getattr(error, "connection", None)
    if node and f":{node.port}" not in str(error):
        error.args = (f"{error} ({node.host}:{node.port})",)
