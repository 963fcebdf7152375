"""Seconds of each emotion along a period, step by step."""

from array import array
from collections.abc import Iterable, Iterator, Mapping

from ferstream.consumer.report.numbers.period import Period
from ferstream.streams.wire.emotions import NAMES, UNKNOWN


class Timeline:
    """For each step of a period: how long there were results, how long faces were named so, and most people at once.

    Two people who are happy for one second are two seconds of happiness.
    """

    def __init__(self, period: Period) -> None:
        self.period = period
        steps = period.steps
        self.covered = array("d", bytes(8 * steps))
        self.people_max = array("L", bytes(8 * steps))
        self.emotions: dict[str, array[float]] = {name: array("d", bytes(8 * steps)) for name in NAMES}

    def stand(self, begin: float, end: float, emotions: tuple[str, ...]) -> None:
        """Faces with these emotions were there from `begin` to `end`. What lies outside the period does not count."""
        for step, seconds in self._parts(begin, end):
            self.covered[step] += seconds
            self.people_max[step] = max(self.people_max[step], len(emotions))
            for name in emotions:
                self.emotions.get(name, self.emotions[UNKNOWN])[step] += seconds

    def spread(self, begin: float, end: float, covered_s: float, people_max: int, seconds: Mapping[str, float]) -> None:
        """Of a stretch only its sums are known: spread them over it evenly."""
        for step, length in self._parts(begin, end):
            part = length / (end - begin)
            self.covered[step] += covered_s * part
            self.people_max[step] = max(self.people_max[step], people_max)
            for name, value in seconds.items():
                self.emotions[name][step] += value * part

    def join(self, others: Iterable["Timeline"]) -> None:
        """Add those of the same period. Most people at once are those of one camera."""
        for other in others:
            for step in range(self.period.steps):
                self.covered[step] += other.covered[step]
                self.people_max[step] = max(self.people_max[step], other.people_max[step])
            for name, values in other.emotions.items():
                mine = self.emotions[name]
                for step, value in enumerate(values):
                    mine[step] += value

    def _parts(self, begin: float, end: float) -> Iterator[tuple[int, float]]:
        period = self.period
        begin, end = max(begin, period.start), min(end, period.end)
        step = int((begin - period.first) / period.step_s)
        while begin < end and step < period.steps:
            until = min(end, period.begin(step + 1))
            if until > begin:  # rounding may leave nothing of a step
                yield step, until - begin
                begin = until
            step += 1
