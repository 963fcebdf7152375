"""How many frames a camera gave and what became of them: captured = written + dropped, once the camera has stopped."""

import threading
from collections import Counter
from dataclasses import dataclass

from ferstream.producer import metrics


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums since the producer started. `dropped` also holds frames that were written and withdrawn unread later."""

    captured: int
    written: int
    dropped: dict[str, int]


class FrameCounts:
    """Counts frames, for the summary and for Prometheus under the label `camera` (nothing where labels are off)."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._lock = threading.Lock()
        self._captured, self._written = 0, 0
        self._dropped: Counter[str] = Counter()
        metrics.CAPTURED.labels(label)
        metrics.WRITTEN.labels(label)
        metrics.RECONNECTS.labels(label)

    def captured(self) -> None:
        with self._lock:
            self._captured += 1
        metrics.CAPTURED.labels(self._label).inc()

    def written(self, frames: int) -> None:
        with self._lock:
            self._written += frames
        metrics.WRITTEN.labels(self._label).inc(frames)

    def dropped(self, reason: str, frames: int) -> None:
        with self._lock:
            self._dropped[reason] += frames
        metrics.DROPPED.labels(self._label, reason).inc(frames)

    def totals(self) -> Totals:
        with self._lock:
            return Totals(self._captured, self._written, dict(self._dropped))
