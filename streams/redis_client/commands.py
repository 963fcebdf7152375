"""What is asked of Redis: a script, sent as one command, and what an error of any command means for us."""

import hashlib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import (
    AuthenticationError,
    ClusterError,
    ConnectionError,
    NoScriptError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from ferstream.streams.errors import GroupGone, StoreError, StoreFull, StoreRefused, StoreUnavailable

CLUSTER_NODE = "this Redis is a node of a Redis Cluster: begin its URL with redis+cluster:// (TLS: rediss+cluster://)"

_FULL = (StoreFull, "Redis is at its memory limit (maxmemory) and takes no more data")
_NOT_KEPT = (StoreFull, "Redis takes no data: {text}")
_GONE = (GroupGone, "the frame stream or its consumer group was deleted")
_NODE = (StoreRefused, CLUSTER_NODE)
_NO_CLUSTER = (StoreRefused, "this Redis is no Redis Cluster: begin its URL with redis:// (TLS: rediss://)")
_RIGHTS = (StoreRefused, "Redis refused the user or its rights: {text}")
_CLUSTER_WAITS = (StoreUnavailable, "the Redis Cluster cannot serve this now, a primary is down or a slot moves: {text}")
_PASSING = (StoreUnavailable, "no answer from Redis: {text}")

#: By the code of a reply, its first word, or by the whole of it.
_MEANINGS: dict[str, tuple[type[StoreError], str]] = {
    "OOM": _FULL,
    "MISCONF": _NOT_KEPT,  # its disk is full
    "NOREPLICAS": _NOT_KEPT,
    "NOGROUP": _GONE,
    "ERR no such key": _GONE,
    "UNBLOCKED the stream key no longer exists": _GONE,
    "MOVED": _NODE,  # said to a client for one server: a cluster's own follows it
    "CROSSSLOT": _NODE,
    "ERR This instance has cluster support disabled": _NO_CLUSTER,
    "NOPERM": _RIGHTS,
    "NOAUTH": _RIGHTS,
    "WRONGPASS": _RIGHTS,
    "ASK": _CLUSTER_WAITS,
    "TRYAGAIN": _CLUSTER_WAITS,
    "CLUSTERDOWN": _CLUSTER_WAITS,
    "LOADING": _PASSING,
    "READONLY": _PASSING,
    "MASTERDOWN": _PASSING,
    "UNBLOCKED": _PASSING,  # a failover ended a blocking read
    "BUSY": _PASSING,  # a script takes long
}
#: What stands before a reply: a pipeline's command with its data (redis-py), a transaction, a script (Redis 6.2).
_PIPELINE = re.compile(r".*of pipeline caused error: ", re.DOTALL)
_WRAPPED = re.compile(r".*(?:Transaction discarded because of: |@user_script: \d+: -)")


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ferstream's. No text of them holds a URL, a password or a command's data."""
    try:
        yield
    except RedisError as error:
        raise meaning(error) from error


class LuaScript:
    """What Redis does in one step, with nothing of another client's in between: `name`.lua in the scripts beside a module.

    It is sent once to each server that does not know it, then called by its digest.
    """

    def __init__(self, module: str, name: str) -> None:
        self._text = (Path(module).parent / "scripts" / f"{name}.lua").read_text()
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: "redis.Redis", keys: Sequence[str], *arguments: str | bytes | float) -> Any:  # noqa: ANN401 - its reply
        """Run it; on a Redis Cluster all keys are of one slot. Raises StoreError."""
        with translated():
            try:
                return client.evalsha(self._digest, len(keys), *keys, *arguments)
            except NoScriptError:
                return client.eval(self._text, len(keys), *keys, *arguments)


def meaning(error: RedisError) -> StoreError:
    """By the code of Redis's reply; where there was none, by redis-py's class."""
    if isinstance(error, ConnectionError) and isinstance(error.__cause__, RedisError):
        return meaning(error.__cause__)  # so redis-py's asyncio client hides what it meets as it connects, a wrong password, say
    code, text = _reply(error)
    if known := _MEANINGS.get(f"{code} {text}") or _MEANINGS.get(code):
        kind, words = known
    elif isinstance(error, AuthenticationError):
        kind, words = _RIGHTS
    elif isinstance(error, ClusterError):
        kind, words = _CLUSTER_WAITS
    elif isinstance(error, ConnectionError | TimeoutError):
        if isinstance(error.__context__, ssl.SSLError) and (problem := _lasting(error.__context__)):
            return StoreRefused(problem)
        kind, words = _PASSING
    elif isinstance(error, ResponseError):
        kind, words = (
            StoreRefused,
            "Redis refused a command: {text}" if code == "ERR" else "Redis refused a command: {code} {text}",
        )
    else:
        kind, words = StoreUnavailable, f"Redis gave no usable answer: {type(error).__name__}"
    return kind(words.format(code=code, text=text), code)


def _reply(error: RedisError) -> tuple[str, str]:
    """The code of an error reply and the first line of its text; without a reply, no code and redis-py's words."""
    line = (_PIPELINE.sub("", str(error)).splitlines() or [type(error).__name__])[0]
    code, inner = error.status_code, _WRAPPED.sub("", line)
    if code and inner == line:  # redis-py has taken the code off the text
        return code, line
    if code or isinstance(error, ResponseError):
        code, _, text = inner.partition(" ")
        return code, text
    return "", line


def _lasting(error: ssl.SSLError) -> str | None:
    """What is wrong with TLS so that trying again will not mend it, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"Redis's certificate is not trusted: {error.verify_message}. ssl_ca_certs=FILE in the Redis URL must be of the "
            "authority that signed it, and the host one of its names"
        )
    if error.reason == "NO_CERTIFICATE_OR_CRL_FOUND":
        return "the file that ssl_ca_certs names in the Redis URL holds no certificate"
    if error.reason == "WRONG_VERSION_NUMBER":
        return "Redis does not speak TLS on this port: begin its URL with redis:// or name its TLS port"
    return None
