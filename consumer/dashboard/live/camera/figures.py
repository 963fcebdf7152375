"""How a camera does, from its results of the last minute."""

import time
from collections import Counter, deque
from collections.abc import Sequence

import msgspec

#: Figures are of so many seconds, and of no more results than this.
WINDOW_S = 60.0
MOST_RESULTS = 600
#: The rate is of the last seconds: a camera that stopped shows so at once.
RATE_S = 5.0


class Figures(msgspec.Struct, frozen=True):
    """Results a second, faces now and how many have each emotion, and the age of results when published, in s since capture."""

    results_per_second: float
    faces: int
    emotions: dict[str, int]
    age_p50_s: float | None
    age_p95_s: float | None
    age_p99_s: float | None


class RecentResults:
    """When the last results came, and how old they were."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=MOST_RESULTS)  # monotonic time, age in seconds

    def add(self, age_s: float) -> None:
        self._seen.append((time.monotonic(), age_s))

    def figures(self, emotions: Sequence[str]) -> Figures:
        """As of now; `emotions` are those of the faces of the newest result."""
        now = time.monotonic()
        while self._seen and self._seen[0][0] < now - WINDOW_S:
            self._seen.popleft()
        ages = sorted(age for _, age in self._seen)
        lately = [at for at, _ in reversed(self._seen) if at > now - RATE_S]
        full = len(lately) == MOST_RESULTS  # of a very fast camera less than RATE_S is known
        seconds = now - lately[-1] if full else RATE_S
        return Figures(
            results_per_second=round(len(lately) / max(seconds, 1e-3), 2),
            faces=len(emotions) if lately else 0,
            emotions=dict(Counter(emotions)) if lately else {},
            age_p50_s=_percentile(ages, 0.50),
            age_p95_s=_percentile(ages, 0.95),
            age_p99_s=_percentile(ages, 0.99),
        )


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4)
