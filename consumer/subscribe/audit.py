"""Who looks: a line in Redis for every subscriber that starts, and for every person who looks at pictures on the page.

Emotions of people are personal data: whoever answers for them has to be able to say who has seen them (GDPR, Art. 5(2) and 30).
"""

import getpass
import logging
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import redis.asyncio

from ferstream.streams.errors import StoreError
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Lines kept, the newest.
KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """Who reads what: a user of a machine, in which process; `cameras` is None for all, `group` None without a group."""

    user: str
    host: str
    pid: int
    program: str
    reads: str
    cameras: list[str] | None
    group: str | None


def line_of_this_process(reads: str, cameras: frozenset[str] | None, group: str | None) -> AuditLine:
    """For a subscriber to `reads` of these cameras."""
    return AuditLine(
        user=_user(),
        host=socket.gethostname(),
        pid=os.getpid(),
        program=Path(sys.argv[0]).name or "python",
        reads=reads,
        cameras=None if cameras is None else sorted(cameras),
        group=group,
    )


async def write_line(client: "redis.asyncio.Redis", keys: Keys, line: AuditLine) -> bool:
    """Add the line; says whether it is there. A user that may only read gets on without: Redis's own ACL says who may."""
    try:
        with translated():
            await client.xadd(keys.audit, {b"a": msgspec.msgpack.encode(asdict(line))}, maxlen=KEPT, approximate=True)
    except StoreError as error:
        log.info("not in the audit of subscribers: %s", error)
        return False
    return True


def decode_line(fields: Mapping[bytes, bytes]) -> AuditLine | None:
    """The line of an entry; None where it is none."""
    try:
        return msgspec.msgpack.decode(fields.get(b"a", b""), type=AuditLine)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def read_lines(client: "redis.Redis", keys: Keys, count: int) -> list[tuple[float, AuditLine]]:
    """The newest lines, the oldest of them first, each with its time on Redis's clock. Raises StoreError."""
    with translated():
        entries: Any = client.xrevrange(keys.audit, count=count)
    read = [(int(entry_id.partition(b"-")[0]) / 1000, decode_line(fields)) for entry_id, fields in reversed(entries)]
    return [(at, line) for at, line in read if line is not None]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's number without a name
        return str(os.getuid())
