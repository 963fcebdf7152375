"""How long to wait before the next try: one way for cameras, producers, workers and subscribers."""

import time

from redis.backoff import FullJitterBackoff

#: The shortest wait of all: a jitter of nearly nothing must not become a busy loop.
FLOOR_S = 0.05


class Backoff:
    """Exponential with full jitter: many cameras behind one switch must not come back in step.

    `failed` gives the seconds to wait: a random share of `least_s` doubled with each failure in a row, `most_s` at most. What
    held for `healthy_after_s` was healthy: the failure after it starts from the shortest wait again. Not thread-safe.

    See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015; the arithmetic is redis-py's.
    """

    def __init__(self, least_s: float = 0.5, most_s: float = 5.0, healthy_after_s: float = 10.0) -> None:
        self._waits = FullJitterBackoff(cap=most_s, base=least_s)
        self._healthy_after_s = healthy_after_s
        self._failures = 0
        self._healthy_since: float | None = None

    def succeeded(self) -> None:
        """Say that it works now."""
        if self._healthy_since is None:
            self._healthy_since = time.monotonic()

    def failed(self) -> float:
        """Say that it failed; returns the seconds to wait before the next try."""
        if self._healthy_since is not None and time.monotonic() - self._healthy_since > self._healthy_after_s:
            self._failures = 0
        self._healthy_since = None
        wait_s = self._waits.compute(min(self._failures, 16))
        self._failures += 1
        return max(FLOOR_S, wait_s)
