"""A look at the whole deployment once a second, on a thread of its own: a Redis that hangs holds up no page."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ferstream.consumer.dashboard.live.vital_task import ended_by
from ferstream.consumer.deployment.deployment import Deployment, DeploymentReader
from ferstream.consumer.deployment.diagnosis import diagnose
from ferstream.consumer.deployment.status_object import status_object
from ferstream.streams.errors import StoreError
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.service.threads import vital_thread

log = logging.getLogger(__name__)

EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: the deployment, the same as an object of JSON; or why there was nothing to see."""

    deployment: Deployment | None
    status: dict[str, Any]
    away: str = ""


class Looker:
    """Calls `tell` in the running event loop with a Look a second, until closed."""

    def __init__(self, url: str, prefix: str, tell: Callable[[Look], None]) -> None:
        self._url, self._prefix, self._tell = url, prefix, tell
        self._loop = asyncio.get_running_loop()
        self._end = threading.Event()
        vital_thread(self._run, "deployment-look").start()

    def close(self) -> None:
        """Nothing more is told. A look that is under way is not waited for."""
        self._end.set()

    def _run(self) -> None:
        with closing(connect(self._url)) as client:
            reader = DeploymentReader(client, self._prefix)
            while not self._end.is_set():
                look = _look(reader)
                try:
                    self._loop.call_soon_threadsafe(self._take, look)
                except RuntimeError:  # the loop has ended meanwhile
                    return
                self._end.wait(EVERY_S)

    def _take(self, look: Look) -> None:
        if self._end.is_set():
            return
        try:
            self._tell(look)
        except Exception as error:  # noqa: BLE001 - the event loop would only log it, each second
            ended_by("deployment-look", error)


def _look(reader: DeploymentReader) -> Look:
    try:
        deployment = reader.read()
    except StoreError as error:  # also a lasting one: somebody mends the rights of our user, or the password, meanwhile
        log.debug("no look at the deployment: %s", error)
        return Look(None, {}, str(error))
    return Look(deployment, status_object(deployment, diagnose(deployment)))
