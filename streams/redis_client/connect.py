"""Connections to Redis, with every one of its errors translated where it enters."""

import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import redis
import redis.asyncio
from redis.asyncio.connection import parse_url as parse_url_async
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from ferstream.streams.errors import StoreRefused
from ferstream.streams.redis_client.cluster import ClusterClient
from ferstream.streams.redis_client.cluster_async import AsyncClusterClient
from ferstream.streams.redis_client.cluster_nodes import Address

log = logging.getLogger(__name__)

#: As good as no limit (redis-py's is 100): a process has one client, and each of its threads may have a command under way.
MOST_CONNECTIONS = 1 << 20
ESCAPES = "in the user and password of a Redis URL, write @ / ? # % [ ] and a space as %40 %2F %3F %23 %25 %5B %5D %20"

#: Options of an URL that would change what redis-py makes of a reply.
_REPLIES = {"protocol", "decode_responses", "encoding", "encoding_errors", "legacy_responses"}

#: A blocking read waits this long; its socket gives up later than that, never earlier.
MAX_BLOCK_S = 2.0

#: A name, a colon and what is no port, then / ? or #, and a host behind the last @.
_HOST_ENDS_EARLY = re.compile(r"([^:@/?#\[\]]*):(?!\d*[/?#])[^@/?#]*[/?#][^@]*(?:@[^@/?#]*)*@([^@]*)", re.DOTALL)
#: Some cameras want their password in the path: /user=admin&password=secret&channel=1
_SECRET_IN_PATH = re.compile(r"(?i)(pass(?:word|wd)?|pwd|token|secret)=[^/]*")
#: What may be a user and password of an URL whose scheme is mistyped or missing.
_NO_HOST = re.compile(r":.*@", re.DOTALL)


def redact(url: str) -> str:
    """The URL without its password, its query and what follows a `password=` in its path: fit for logs, pages and errors.

    An URL that cannot be taken apart is withheld whole. In `user:p/w?d#@host` the password's own / ? # end the host early:
    where no host can end so, all before the last @ counts as user and password. Else the @ may be of a password behind the host.
    """
    try:
        scheme, mark, rest = url.partition("://")
        if mark and re.search(r"[/?#].*@", rest, re.DOTALL):
            early = _HOST_ENDS_EARLY.fullmatch(rest)
            return redact(f"{scheme}://{early[1]}:@{early[2]}") if early else "(withheld URL)"
        parts = urlsplit(url)
        if not (mark and parts.netloc) and _NO_HOST.search(url):
            return "(withheld URL)"
        user, separator, host = parts.netloc.rpartition("@")
        name = re.split(":", user, maxsplit=1)[0]
        netloc = f"{name}:***@{host}" if separator else host
        path = _SECRET_IN_PATH.sub(r"\1=***", parts.path)
        if mark and not netloc:  # urlunsplit makes unix:/path of unix:///path
            return f"{parts.scheme}://{path}{'?***' if parts.query else ''}"
        return urlunsplit((parts.scheme, netloc, path, "***" if parts.query else "", ""))
    except ValueError:
        return "(withheld URL)"


#: What cannot be told from the rest of an URL, or decodes to something else, where it is part of a user or password.
_UNESCAPED = re.compile(r"[\x00-\x20\x7f@]|%(?![0-9A-Fa-f]{2})")


def connect(url: str, *, timeout_s: float = 5.0) -> "redis.Redis":
    """A client for `url` that neither retries nor decodes; nothing is opened until the first command.

    redis+cluster:// and rediss+cluster:// URLs are of a Redis Cluster; they may name several nodes: host:port,host:port.
    Retrying is the caller's decision: a repeated XADD writes twice, a repeated XREADGROUP skips a batch.
    Raises StoreRefused where the URL is none.
    """
    client: redis.Redis = _client(url, timeout_s, redis.Redis, ClusterClient, parse_url, Retry(NoBackoff(), 0))
    return client


def connect_async(url: str, *, timeout_s: float = 5.0) -> "redis.asyncio.Redis":
    """As `connect`, for asyncio."""
    client: redis.asyncio.Redis = _client(
        url, timeout_s, redis.asyncio.Redis, AsyncClusterClient, parse_url_async, AsyncRetry(NoBackoff(), 0)
    )
    return client


def _client(url: str, timeout_s: float, single: Any, cluster: Any, parse: Callable[[str], Any], retry: Any) -> Any:  # noqa: ANN401
    """A client of one of two classes, blocking ones or those for asyncio."""
    with _right_url(url):
        settings = _settings(url, timeout_s) | {"retry": retry}
        client = cluster(*_cluster_settings(url, parse, settings)) if is_cluster(url) else single.from_url(url, **settings)
    _refuse_unknown_options(client.connection_pool)
    log.debug("a client of %s", redact(url))
    return client


def _refuse_unknown_options(pool: Any) -> None:  # noqa: ANN401 - of a blocking or an async client
    """What follows the ? of an URL becomes arguments of a connection: one is made, not opened, to see whether it takes them."""
    try:
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        name = str(error).rpartition(" ")[2]
        raise StoreRefused(f"the Redis URL has an option that there is not: {name}") from error


def is_cluster(url: str) -> bool:
    """Whether the URL is of a Redis Cluster."""
    return url.partition("://")[0] in ("redis+cluster", "rediss+cluster")


def _cluster_settings(url: str, parse: Callable[[str], Any], settings: dict[str, Any]) -> tuple[list[Address], dict[str, Any]]:
    """The nodes that an URL names, and how to connect to each."""
    scheme, _, rest = url.partition("://")
    end = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    user, at, hosts = rest[:end].rpartition("@")
    seeds: list[Address] = []
    options: dict[str, Any] = {}
    for host in hosts.split(","):
        options = parse(f"{scheme.removesuffix('+cluster')}://{user}{at}{host}{rest[end:]}")
        seeds.append((options.pop("host", "localhost"), options.pop("port", 6379)))
    if options.pop("db", 0):
        raise StoreRefused("a Redis Cluster has one database only: leave the number at the end of its URL out")
    return seeds, settings | options


def _settings(url: str, timeout_s: float) -> dict[str, Any]:
    options = parse_qs(urlsplit(url).query)
    for name in _REPLIES & options.keys():  # an URL's options come before ours
        raise StoreRefused(f"{name} in the Redis URL would change the form of Redis's replies: leave it out")
    for path in options.get("ssl_ca_certs", ()):
        if not os.access(path, os.R_OK):
            raise StoreRefused(f"cannot read {path}, which ssl_ca_certs names in the Redis URL")
    settings: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": timeout_s + MAX_BLOCK_S,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 0,
        "max_connections": MOST_CONNECTIONS,
    }
    if url.startswith("unix:"):  # redis-py's connections of that kind refuse the others
        return settings
    # What Redis has not received when we give a command up, the kernel must give up too. Else it sends it again, for most of a
    # minute after the line was mended, and a frame is written when we have long been told that it was not.
    given_up = {socket.TCP_USER_TIMEOUT: int(timeout_s * 1000)} if hasattr(socket, "TCP_USER_TIMEOUT") else {}
    return settings | {"socket_keepalive": True, "socket_keepalive_options": given_up}


@contextmanager
def _right_url(url: str) -> Iterator[None]:
    """Refuse an URL that cannot be taken apart, before a piece of its password is taken for a host and asked for by name."""
    rest = url.partition("://")[2]
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    behind_host = "#" in rest or (host if url.startswith("unix:") else "@" in rest[len(authority) :])
    if behind_host or _UNESCAPED.search(user) or _UNESCAPED.search(host):
        raise StoreRefused(f"the Redis URL cannot be taken apart: {ESCAPES}")
    try:
        yield
    except ValueError:  # its text may hold a piece of the password
        raise StoreRefused(
            "the Redis URL must start with redis://, rediss:// or unix://, or redis+cluster://, rediss+cluster:// of a cluster, "
            f"and a port must be a number; {ESCAPES}"
        ) from None
