"""The lease of a consumer group by one sink, where a second member would make both wrong.

Redis deals the results of a group out among its members. What makes minutes or follows faces needs all results of a camera: of
two members each would see half of them, and write minutes of half a minute, tracks with holes, and alerts that never come.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis

from ferstream.consumer.sinks.sink_status import SinkStatus
from ferstream.streams.errors import FerstreamError, StoreError, StoreRefused
from ferstream.streams.frames.name_lease import NameLease
from ferstream.streams.frames.status_board import StatusBoard
from ferstream.streams.redis_client.acl_check import check_rights, sink_commands
from ferstream.streams.service.backoff import Backoff
from ferstream.streams.service.metrics import ferstream_version
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: A lease is renewed this often.
RENEW_S = 1.0


class GroupLost(FerstreamError):
    """Another sink has taken the group, since this one did not renew its lease in time."""


class GroupLease:
    """Has a group for itself while `held` is entered."""

    def __init__(self, client: "redis.Redis", keys: Keys, group: str, kind: str, of: str) -> None:
        self._client, self._keys = client, keys
        status = SinkStatus(group=group, kind=kind, of=of, version=ferstream_version())
        self._lease = NameLease(
            StatusBoard(client, keys.sinks),
            group,
            lambda: status,
            taken=f"the group {group} is held by the sink",
            advice="only one can follow faces or make minutes of it; stop that one, or give this one a --group of its own",
        )
        #: What it waits for at its start; None once it has the group.
        self.waits_for: str | None = "no answer from Redis yet"

    @contextmanager
    def held(self, leave: threading.Event) -> Iterator[None]:
        """Take the group, waiting for Redis and for the lease of a member that was killed, and keep it; `leave` ends the wait.

        Sets `leave` where another takes the group meanwhile, and raises GroupLost at the end. Raises NameTaken where a living
        sink has it, and StoreRefused where the user lacks a right.
        """
        self._take(leave)
        over = threading.Event()
        thread = vital_thread(self._keep, "group lease", (over, leave))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            with suppress(StoreError):  # it runs out by itself
                self._lease.release()
        if self._lease.lost:
            raise GroupLost(f"left because {self._lease.lost}")

    def _take(self, leave: threading.Event) -> None:
        backoff, told = Backoff(), False
        while not leave.is_set():
            try:
                check_rights(self._client, sink_commands(self._keys))
                self._lease.take(leave.is_set)
                break
            except StoreRefused:
                raise
            except StoreError as error:
                if not told:
                    log.warning("%s; trying again until it answers", error)
                    told = True
                self.waits_for = str(error)
                leave.wait(backoff.failed())
        self.waits_for = None

    def _keep(self, over: threading.Event, leave: threading.Event) -> None:
        while not over.wait(RENEW_S):
            try:
                self._lease.renew()
            except StoreError as error:  # what cannot be renewed cannot be taken either
                log.debug("the lease of the group is not renewed: %s", error)
            if self._lease.lost:
                leave.set()
                return
