"""Which emotion a track is named by: one that leads clearly, and for a while."""

from collections.abc import Sequence
from dataclasses import dataclass

from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN, Name

#: A name is given up for none when it is less likely than a new one may be, by so much.
UNKNOWN_MARGIN = 0.1
#: And for so long, in seconds: on the way from one name to another there often is a moment of none.
UNKNOWN_DWELL_S = 0.5
#: Times are sums of differences: so much short of the dwell time is long enough, in seconds.
ROUNDING_S = 1e-6


@dataclass(slots=True)
class Naming:
    """The name now, the one that would replace it, and since when it would, in the camera's seconds."""

    name: Name
    candidate: Name | None = None
    candidate_since: float = 0.0

    @classmethod
    def first(cls, probabilities: Sequence[float], told: bool, least: float) -> "Naming":
        """The name of a face that is seen for the first time; `told` is False where there was too little to see."""
        return cls(_leader(probabilities, least) if told else UNKNOWN)

    def update(
        self, probabilities: Sequence[float], told: bool, now: float, *, least: float, margin: float, dwell_s: float
    ) -> None:
        """Take in smoothed probabilities; `least`, `margin` and `dwell_s` are as TrackerSettings has them."""
        wanted = self._wanted(probabilities, least, margin) if told else UNKNOWN
        if wanted == self.name:
            self.candidate = None
            return
        if wanted != self.candidate:
            self.candidate, self.candidate_since = wanted, now
        needed = max(dwell_s, UNKNOWN_DWELL_S if wanted == UNKNOWN else 0.0)
        if now - self.candidate_since >= needed - ROUNDING_S:
            self.name, self.candidate = wanted, None

    def _wanted(self, probabilities: Sequence[float], least: float, margin: float) -> Name:
        if self.name == UNKNOWN:
            return _leader(probabilities, least)
        own = probabilities[EMOTIONS.index(self.name)]
        if max(probabilities) - own >= margin:
            return _leader(probabilities, least)
        return self.name if own >= least - UNKNOWN_MARGIN else UNKNOWN


def _leader(probabilities: Sequence[float], least: float) -> Name:
    highest = max(probabilities)
    return EMOTIONS[probabilities.index(highest)] if highest >= least else UNKNOWN
