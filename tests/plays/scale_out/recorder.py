"""The story second by second: what the fleet's metrics say, as rows for a CSV and a plot."""

import csv
import threading
import time
from collections import deque
from pathlib import Path

from tests.plays.scale_out.fleet import Fleet
from tests.plays.scale_out.gauges import Scrape, quantile

#: A frame is to be answered within so many seconds of its capture; a bound of the histograms' buckets.
OBJECTIVE_S = 1.0
#: Ages and rates are over so many seconds before their moment.
WINDOW_S = 3
DROPPED = tuple(f"dropped_{reason}" for reason in ("rate", "busy", "budget", "trimmed", "redis_down", "redis_full", "stopped"))
COUNTERS = ("captured", "received", "published", "repeated", "expired", "dead", "claimed")

Row = dict[str, float | str | None]


class Recorder:
    """Samples `fleet` once a second on a thread of its own. `chapter` is what the story tells at the moment."""

    def __init__(self, fleet: Fleet) -> None:
        self.rows: list[Row] = []
        self.chapter = ""
        self._fleet = fleet
        self._recent: deque[tuple[float, Scrape]] = deque(maxlen=WINDOW_S + 1)
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += 1
            self._take()

    def _take(self) -> None:
        scrape, at = self._fleet.sample(), self.seconds()
        self._recent.append((at, scrape))
        first_at, first = self._recent[0]
        seconds = max(1e-9, at - first_at)

        def rate(*columns: str) -> float:
            return round(sum(scrape.counts[column] - first.counts[column] for column in columns) / seconds, 2)

        def age(share: float) -> float | None:
            return quantile(share, first.age_read, scrape.age_read)

        row: Row = {
            "second": round(at, 2),
            "chapter": self.chapter,
            "workers": len(self._fleet.workers),
            "age_read_p50_s": age(0.5),
            "age_read_p95_s": age(0.95),
            "answered_p95_s": quantile(0.95, first.answered, scrape.answered),
            "offered_per_s": rate("captured"),
            "answered_per_s": rate("published"),
            "given_up_per_s": rate("expired", "dead", *DROPPED),
            "waiting": self._fleet.waiting(),
            "in_time": scrape.answered[OBJECTIVE_S],
        }
        self.rows.append(row | {column: scrape.counts[column] for column in (*COUNTERS, *DROPPED)})


def write_rows(rows: list[Row], file: Path) -> None:
    """The rows as CSV."""
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
