"""One clock for the whole fleet: Redis's own, so that a camera node an hour off loses no frame."""

import time

import redis

from ferstream.streams.redis_client.connect import translated

#: Beyond this the machine's clock deserves a warning.
SKEW_WARNING_S = 1.0


class ServerClock:
    """Seconds since the epoch on the Redis server, carried by this machine's monotonic clock between looks at it."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return time.monotonic() + self._offset

    def set_from(self, client: "redis.Redis") -> float:
        """Ask the server for its time; returns by how many seconds this machine's own clock is ahead of it.

        Raises StoreUnavailable.
        """
        before = time.monotonic()
        with translated():
            seconds, microseconds = client.time()
        middle = (before + time.monotonic()) / 2
        self._offset = seconds + microseconds / 1e6 - middle
        return time.time() - self.now()
