"""Who looked at which camera's pictures: lines beside those of subscribers, for `fer-consumer audit`."""

import os
import time
from collections.abc import Iterable
from typing import Self

import redis.asyncio
from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.access.access import Access, person_of
from ferstream.consumer.subscribe.audit import AuditLine, write_line
from ferstream.streams.redis_client.connect import connect_async
from ferstream.streams.wire.keys import Keys

#: Seconds in which one person's look at one camera is said once.
ONCE_IN_S = 600.0
#: People and cameras that are remembered.
MOST_LOOKS = 10_000


class PictureAudit:
    """Writes that somebody looks: for each person and camera once in ten minutes, however often it is told. Entered, it can."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._keys = Keys(access.settings.prefix)
        self._client: redis.asyncio.Redis | None = None
        self._said: dict[tuple[str, str], float] = {}  # the oldest first

    async def __aenter__(self) -> Self:
        self._client = connect_async(self._access.settings.redis_url)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def looks(self, connection: HTTPConnection, cameras: Iterable[str]) -> None:
        """The person of a connection sees pictures of these cameras now. Redis that is away is told to the log, and no
        error."""
        person = person_of(connection)
        due = self._due(person.name, cameras) if person else []
        if person is None or not due or self._client is None:
            return
        line = AuditLine(
            user=person.name,
            host=self._access.address(connection),
            pid=os.getpid(),
            program="fer-dashboard",
            reads="pictures",
            cameras=due,
            group=None,
        )
        if not await write_line(self._client, self._keys, line):
            for camera in due:  # it is said again soon
                self._said.pop((person.name, camera), None)

    def _due(self, name: str, cameras: Iterable[str]) -> list[str]:
        now = time.monotonic()
        due = sorted({camera for camera in cameras if now - self._said.get((name, camera), -ONCE_IN_S) >= ONCE_IN_S})
        for camera in due:
            self._said.pop((name, camera), None)
            self._said[name, camera] = now
        while len(self._said) > MOST_LOOKS:
            del self._said[next(iter(self._said))]
        return due
