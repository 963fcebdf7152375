"""Connections to Redis, with every one of its errors translated where it enters."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.errors import GroupGone, RedisError, RedisFull, RedisUnavailable

#: A blocking read waits this long; its socket gives up later than that, never earlier.
MAX_BLOCK_S = 2.0


def redact(url: str) -> str:
    """The URL with its password and query (which may hold one) left out: fit for logs, labels, pages and errors.

    An URL that cannot be taken apart is withheld whole. In `user:p/w?d#@host` the password's own / ? # end the host early, so
    whatever stands before the last @ counts as user and password.
    """
    try:
        scheme, mark, rest = url.partition("://")
        before, at, host = rest.rpartition("@")
        if mark and at and re.search(r"[/?#]", before):
            return redact(f"{scheme}://{re.split('[:/?#@]', before, maxsplit=1)[0]}:@{host}")
        parts = urlsplit(url)
        user, separator, host = parts.netloc.rpartition("@")
        name = re.split(":", user, maxsplit=1)[0]
        netloc = f"{name}:***@{host}" if separator else host
        return urlunsplit((parts.scheme, netloc, parts.path, "***" if parts.query else "", ""))
    except ValueError:
        return "(withheld URL)"


def connect(url: str, *, timeout_s: float = 5.0) -> "redis.Redis":
    """A client for `url` that neither retries nor decodes; nothing is opened until the first command.

    Retrying is the caller's decision: a repeated XADD writes twice, a repeated XREADGROUP skips a batch.
    Raises RedisError where the URL is none.
    """
    with _right_url():
        return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_settings(url, timeout_s))


def connect_async(url: str, *, timeout_s: float = 5.0) -> "redis.asyncio.Redis":
    """The same for asyncio."""
    with _right_url():
        return redis.asyncio.Redis.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **_settings(url, timeout_s))


def _settings(url: str, timeout_s: float) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": timeout_s + MAX_BLOCK_S,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 0,
    }
    # redis-py's unix socket connections refuse the argument.
    return settings if url.startswith("unix:") else settings | {"socket_keepalive": True}


@contextmanager
def _right_url() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise RedisError("the Redis URL must start with redis://, rediss:// or unix://") from error


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ferstream's. No text of them holds a URL or a password."""
    try:
        yield
    except redis.exceptions.OutOfMemoryError as error:
        raise RedisFull("Redis is at its memory limit (maxmemory) and takes no more data") from error
    except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise RedisError(f"Redis refused the user or its rights: {_first_line(error)}") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, redis.exceptions.ReadOnlyError) as error:
        # BusyLoading and a replica's refusal after a failover end by themselves.
        raise RedisUnavailable(f"no answer from Redis: {_first_line(error)}") from error
    except redis.exceptions.ResponseError as error:
        text = str(error)
        if "NOGROUP" in text or "no such key" in text or "key no longer exists" in text:
            raise GroupGone("the frame stream or its consumer group was deleted") from error
        if "OOM" in text:
            raise RedisFull("Redis is at its memory limit (maxmemory) and takes no more data") from error
        if text.startswith("UNBLOCKED"):  # a failover ended a blocking read
            raise RedisUnavailable(f"no answer from Redis: {_first_line(error)}") from error
        raise RedisError(f"Redis refused a command: {_first_line(error)}") from error
    except redis.exceptions.RedisError as error:
        raise RedisUnavailable(f"Redis gave no usable answer: {type(error).__name__}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
