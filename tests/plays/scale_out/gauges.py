"""What a fleet's /metrics say, added up over processes, those that have left included."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

#: Upper bound of a bucket in seconds to the observations up to it, as Prometheus keeps them.
Buckets = Counter[float]


@dataclass
class Scrape:
    """One process at one moment. `counts` are its counters without fer_frames_ and _total; drops are `dropped_<reason>`."""

    counts: Counter[str] = field(default_factory=Counter)
    age_read: Buckets = field(default_factory=Counter)
    answered: Buckets = field(default_factory=Counter)

    def __add__(self, other: "Scrape") -> "Scrape":
        return Scrape(_sum(self.counts, other.counts), _sum(self.age_read, other.age_read), _sum(self.answered, other.answered))


def parse(text: str) -> Scrape:
    """A /metrics page of a producer or a worker."""
    scrape = Scrape()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name, labels = sample.name, sample.labels
            if name.startswith("fer_frames_") and name.endswith("_total"):
                column = name.removeprefix("fer_frames_").removesuffix("_total")
                scrape.counts[f"dropped_{labels['reason']}" if column == "dropped" else column] += int(sample.value)
            elif name == "fer_frame_age_seconds_bucket" and labels["stage"] == "read":
                scrape.age_read[float(labels["le"])] += int(sample.value)
            elif name == "fer_end_to_end_latency_seconds_bucket":
                scrape.answered[float(labels["le"])] += int(sample.value)
    return scrape


def quantile(share: float, before: Buckets, after: Buckets) -> float | None:
    """The quantile of what was observed in between, interpolated as histogram_quantile() does; None where nothing was."""
    grown = sorted((bound, after[bound] - before[bound]) for bound in after)
    if not grown or grown[-1][1] <= 0:
        return None
    rank = share * grown[-1][1]
    for (low, below), (high, upto) in pairwise([(0.0, 0), *grown]):
        if upto >= rank:
            return low if high == float("inf") else low + (high - low) * (rank - below) / max(1, upto - below)
    return None


def _sum(one: Counter[Any], other: Counter[Any]) -> Counter[Any]:
    both = one.copy()
    both.update(other)  # Counter's own + leaves out what is 0, and a bucket that holds nothing is still a bound
    return both
