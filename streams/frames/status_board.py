"""Statuses as leases: a hash of names, each held by the process that renews its status once a second.

A name has one holder at a time. Who asks for one that another process renewed less than LEASE_S ago is told who that is. A status
that is not renewed any more is shown as silent, its name is free, and after `forget_s` it is deleted.
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import redis

from ferstream.streams.redis_client.commands import LuaScript, translated

log = logging.getLogger(__name__)

#: A holder that has not renewed its status for so long, by Redis's clock, has lost the name.
LEASE_S = 5.0
#: A status that nobody renews is deleted after this, unless a board says otherwise.
FORGET_S = 3600.0
#: How often a board looks for such statuses.
FORGET_EVERY_S = 60.0

_SCRIPT = LuaScript(__file__, "status_board")
#: What the script writes into every status, beside a token that tells two holders of one host and process id apart.
_LEASE_FIELDS = ("holder", "since", "updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What its holder, host:pid, says of itself, since when it has the name, and when it last said so.

    Times are seconds since the epoch on Redis's clock. These three are written by Redis, whatever a caller puts into them.
    """

    holder: str = ""
    since: float = 0.0
    updated_at: float = 0.0

    def silent_since(self, now: float) -> float | None:
        """Since when its holder says nothing any more, or None while it does."""
        return self.updated_at if now - self.updated_at >= LEASE_S else None

    def message(self) -> dict[str, Any]:
        """Its fields as they are written."""
        return asdict(self)


S = TypeVar("S", bound=Status)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a name that somebody else asked for. As text it is `host:pid since 2026-11-29 10:11:24`."""

    name: str
    since: float

    def __str__(self) -> str:
        return f"{self.name} since {when(self.since)}"


class StatusBoard:
    """What one process writes into one hash. Safe to use from several threads; each call is safe to repeat.

    `forget_s`: it deletes statuses of this hash, whoever's they are, that nobody has renewed for so long.
    """

    def __init__(self, client: "redis.Redis", key: str, *, lease_s: float = LEASE_S, forget_s: float = FORGET_S) -> None:
        self._client, self._key, self._lease_s, self._forget_after_s = client, key, lease_s, forget_s
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        self._token = secrets.token_hex(8)
        self._forget_at = 0.0

    def renew(self, statuses: Mapping[str, Status]) -> dict[str, Holder]:
        """Write statuses by their names, and so take or keep these.

        Returns the names that others hold, with their holders; nothing is written there. Raises StoreError.
        """
        return self._run("renew", statuses)

    def leave(self, statuses: Mapping[str, Status]) -> None:
        """Write our statuses for the last time: they stay to be read, and the names are free. Raises StoreError."""
        self._run("leave", statuses)

    def remove(self, names: Iterable[str]) -> None:
        """Take our statuses out; names that we do not hold stay as they are. Raises StoreError."""
        self._run("remove", dict.fromkeys(names))

    def _run(self, what: str, statuses: Mapping[str, Status | None]) -> dict[str, Holder]:
        if not statuses:
            return {}
        arguments: list[str | bytes | float] = [what, self._token, self.holder, self._lease_s, self._forget_s()]
        for name, status in statuses.items():
            arguments += [name, *_entries(status)]
        reply = iter(_SCRIPT.run(self._client, [self._key], *arguments))
        return {
            name.decode(): Holder(holder.decode(), float(since) if since != b"nil" else 0.0)
            for name, holder, since in zip(reply, reply, reply, strict=True)
        }

    def _forget_s(self) -> float:
        """How old a status is deleted; only now and then: it costs a look at every status."""
        if time.monotonic() < self._forget_at:
            return 0.0
        self._forget_at = time.monotonic() + FORGET_EVERY_S
        return self._forget_after_s


def read_statuses(client: "redis.Redis", key: str, kind: type[S]) -> list[S]:
    """Every status of a hash, in the order of names. Raises StoreError.

    Of one that a newer version wrote the known fields are read. What is no status is left out.
    """
    with translated():
        packed: dict[Any, Any] = client.hgetall(key)
    statuses = []
    for _, value in sorted(packed.items()):
        try:
            statuses.append(msgspec.msgpack.decode(value, type=kind))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            log.debug("passing over an entry of %s that is no %s: %s", key, kind.__name__, error)
    return statuses


def when(seconds: float) -> str:
    """A time on Redis's clock, for people: local, without the date where it is today's."""
    try:
        local = datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, ValueError, OSError):  # what no calendar holds is shown as the number it is
        return f"{seconds:g}"
    today = local.date() == datetime.now().astimezone().date()
    return local.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _entries(status: Status | None) -> tuple[int, bytes]:
    """How many fields a status has that its holder writes, and these as msgpack."""
    message = status.message() if status else {}
    mine = {name: value for name, value in message.items() if name not in _LEASE_FIELDS}
    return len(mine), b"".join(msgspec.msgpack.encode(part) for field in mine.items() for part in field)
