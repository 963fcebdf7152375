"""Which emotion a track is named by: one that leads clearly, and for a while."""

from collections.abc import Sequence
from dataclasses import dataclass

from ferstream.consumer.tracking.settings import TrackerSettings
from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN, Name


@dataclass(slots=True)
class Naming:
    """The name now, the one that would replace it, and since when it would, in the camera's seconds."""

    name: Name
    candidate: Name | None = None
    candidate_since: float = 0.0

    @classmethod
    def first(cls, probabilities: Sequence[float], told: bool, settings: TrackerSettings) -> "Naming":
        """The name of a face that is seen for the first time; `told` is False where there was too little to see."""
        return cls(_leader(probabilities, settings.least_probability) if told else UNKNOWN)

    def update(self, probabilities: Sequence[float], told: bool, now: float, settings: TrackerSettings) -> None:
        """Take in smoothed probabilities."""
        wanted = self._wanted(probabilities, settings) if told else UNKNOWN
        if wanted == self.name:
            self.candidate = None
            return
        if wanted != self.candidate:
            self.candidate, self.candidate_since = wanted, now
        if now - self.candidate_since >= settings.dwell_s:
            self.name, self.candidate = wanted, None

    def _wanted(self, probabilities: Sequence[float], settings: TrackerSettings) -> Name:
        if self.name == UNKNOWN:
            return _leader(probabilities, settings.least_probability)
        own = probabilities[EMOTIONS.index(self.name)]
        if max(probabilities) - own >= settings.margin:
            return _leader(probabilities, settings.least_probability)
        return self.name if own >= settings.least_probability - settings.margin else UNKNOWN


def _leader(probabilities: Sequence[float], least: float) -> Name:
    highest = max(probabilities)
    return EMOTIONS[probabilities.index(highest)] if highest >= least else UNKNOWN
