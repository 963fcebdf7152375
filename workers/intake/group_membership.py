"""A worker's place in its consumer group: taken at the start, taken again after an outage, left at the end."""

import logging
import time
from collections.abc import Callable, Sequence

import redis

from ferstream.streams.errors import StoreError, StoreRefused, StoreUnavailable
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.redis_client.acl_check import check_rights, worker_commands
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.preflight import check_server
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

#: Not the backoff of a running worker: at its start it holds no frame that others could take, and whoever waits for it to become
#: ready, a rolling upgrade say, should not wait longer than Redis makes it.
RETRY_S = 0.25


class GroupMembership:
    """Joins and leaves the group with every reader: one for all shards, or one for each shard of a Redis Cluster.

    `client` is another than the readers', which may be blocked in a read. `take_name` raises where another worker has our name.
    """

    def __init__(
        self,
        client: "redis.Redis",
        keys: Keys,
        group: str,
        clock: ServerClock,
        readers: Sequence[FrameReader],
        take_name: Callable[[], None],
        *,
        previews: bool = False,
    ) -> None:
        self._client, self._keys = client, keys
        self._clock, self._readers, self._take_name = clock, readers, take_name
        self._rights = worker_commands(keys, group, previews=previews)

    def wait(self, give_up: Callable[[], bool]) -> bool:
        """Wait for Redis, check it and join; False where `give_up` said so first.

        Raises StoreRefused where waiting will not help: rights, version, number of shards.
        """
        told = False
        while not give_up():
            try:
                self._join()
            except StoreRefused:
                raise
            except StoreError as error:
                if not told:
                    log.warning("%s; waiting for it", error)
                    told = True
                time.sleep(RETRY_S)
            else:
                return True
        return False

    def again(self, reader: FrameReader) -> None:
        """Join again with one reader, after an outage or where the group was deleted. Raises StoreError."""
        if len(self._readers) == 1:  # else the clock may be another primary's; GaugeUpdater sets it each second
            self._clock.set_from(self._client)
        reader.join()

    def leave(self, timeout_s: float) -> None:
        """Take our name out of the group; where time runs out, the name stays and does no harm.

        A name with pending entries is left in, since deleting it would throw them away before another worker claims them.
        """
        until = time.monotonic() + timeout_s
        for reader in self._readers:
            try:
                reader.leave()
            except StoreError as error:
                log.warning("could not leave the group: %s", error)
                if time.monotonic() > until:
                    return

    def _join(self) -> None:
        report = check_server(self._client, self._keys, self._clock)
        for warning in report.warnings:
            log.warning("%s", warning)
        check_rights(self._client, self._rights)
        self._take_name()  # before anything is read under it: what is pending with this name would be taken from its holder
        failures: list[StoreUnavailable] = []
        for reader in self._readers:
            try:
                reader.join()
            except StoreUnavailable as error:  # one of several: its own thread joins as soon as its primary is there
                failures.append(error)
        if len(failures) == len(self._readers):
            raise failures[0]
