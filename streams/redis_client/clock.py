"""One clock for the whole fleet: Redis's own, so that a camera node an hour off loses no frame."""

import logging
import math
import threading
import time

import redis

from ferstream.streams.redis_client.commands import translated

log = logging.getLogger(__name__)

#: Beyond this the machine's clock deserves a warning.
SKEW_WARNING_S = 1.0
#: Redis is asked again, so often in all, where its answer took longer: it says less of the time.
PROMPT_S, MOST_ASKS = 0.05, 3
#: Two clocks run apart by no more than this: quartzes by 100 ppm, and NTP steers by up to 500.
DRIFT = 0.0005
#: The clock is corrected by at most this share of the time that passes: times of frames neither step back nor jump.
SLEW = 0.05
#: Where Redis's clock was set, or another server took over, by more than this, it is followed at once: slewing would take
#: longer than a frame lives, and those who already follow would take our frames for stale.
STEP_S = 1.0


class ServerClock:
    """Seconds since the epoch on the Redis server, carried by this machine's monotonic clock between looks at it.

    Safe to use from several threads. Before the first look it is this machine's own clock.
    """

    def __init__(self) -> None:
        self._offset = ClockOffset(time.time() - time.monotonic())
        self._lock = threading.Lock()

    def now(self) -> float:
        with self._lock:
            now = time.monotonic()
            return now + self._offset.at(now)

    def set_from(self, client: "redis.Redis") -> float:
        """Ask the server for its time; returns by how many seconds this machine's own clock is ahead of it.

        Raises StoreUnavailable.
        """
        for _ in range(MOST_ASKS):
            sent = time.monotonic()
            with translated():
                seconds, microseconds = client.time()
            received = time.monotonic()
            with self._lock:
                self._offset.learn(sent, seconds + microseconds / 1e6, received)
            if received - sent <= PROMPT_S:
                break
        return time.time() - time.monotonic() - self._offset.best


class ClockOffset:
    """By how much Redis's clock is ahead of the monotonic one, from samples that are as vague as they were slow.

    A sample says that Redis's clock stood at `server` at some moment from `sent` to `received`. That gives a range for the
    offset, as wide as the round trip. The offset is where the ranges of all samples overlap: a slow sample is wide, and moves
    nothing. A sample that does not overlap with the others says that Redis's clock was set, and counts alone.
    """

    def __init__(self, guess: float) -> None:
        self.best = self._shown = guess
        self._shown_at = 0.0
        self._low, self._high, self._known_at = -math.inf, math.inf, 0.0

    def at(self, now: float) -> float:
        """The offset to use: on its way to the best one."""
        most = SLEW * (now - self._shown_at)
        return self._shown + max(-most, min(most, self.best - self._shown))

    def learn(self, sent: float, server: float, received: float) -> None:
        first, shown = self._low == -math.inf, self.at(received)
        apart, aged = DRIFT * (received - sent), DRIFT * (received - self._known_at)
        lowest, highest = server - received - apart, server - sent + apart
        low, high = max(lowest, self._low - aged), min(highest, self._high + aged)
        if set_anew := low > high:
            low, high = lowest, highest
        self._low, self._high, self._known_at = low, high, received
        self.best, self._shown_at = (low + high) / 2, received
        stepped = set_anew and abs(self.best - shown) > STEP_S
        if stepped:
            log.warning("Redis's clock was set by %+.1f s: following it", self.best - shown)
        self._shown = self.best if first or stepped else shown
