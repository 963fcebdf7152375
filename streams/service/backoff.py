"""How long to wait before the next try."""

import random
import time

LEAST_S = 0.5
#: Low, because a camera that is back must give frames again within ten seconds.
MOST_S = 5.0
#: What held for this long was healthy: the next failure starts from the shortest wait.
HEALTHY_AFTER_S = 10.0


class Backoff:
    """Exponential with full jitter: many cameras behind one switch must not come back in step.

    See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._healthy_since: float | None = None

    def succeeded(self) -> None:
        """It works now."""
        if self._healthy_since is None:
            self._healthy_since = time.monotonic()

    def failed(self) -> float:
        """It failed; returns the seconds to wait."""
        if self._healthy_since is not None and time.monotonic() - self._healthy_since > HEALTHY_AFTER_S:
            self._failures = 0
        self._healthy_since = None
        ceiling = min(MOST_S, LEAST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return random.uniform(0.1, ceiling)
