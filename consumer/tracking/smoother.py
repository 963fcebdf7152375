"""Smoothing what a face looks like over time: single frames flicker, expressions last."""

import math
from dataclasses import dataclass, field

from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN
from ferstream.streams.wire.messages import Face

#: Under this a probability is noise, and its logarithm would outweigh all others.
LEAST = 1e-3
#: What a first reading stands for, in seconds: later ones stand for the time since the one before.
FIRST_READING_S = 0.1
#: A face of which nothing could be seen still counts a little.
LEAST_QUALITY = 0.05
#: What weighs less is forgotten.
LEAST_WEIGHT = 1e-12


@dataclass(slots=True)
class Smoother:
    """The mean of one face's log-probabilities, by quality and age: after `smooth_s` a reading weighs 37 %, at any frame rate.

    `sums` and `weight` are those of the mean; `named` and `unnamed` say how much of the time there was enough to see.
    """

    sums: list[float] = field(default_factory=lambda: [0.0] * len(EMOTIONS))
    weight: float = 0.0
    named: float = 0.0
    unnamed: float = 0.0

    def add(self, face: Face, seconds: float | None, smooth_s: float) -> None:
        """Take in a face, so many seconds after the one before, None for the first. One that is unknown only lets time go by."""
        kept = math.exp(-(FIRST_READING_S if seconds is None else seconds) / smooth_s) if smooth_s > 0 else 0.0
        told = face.emotion != UNKNOWN
        weight = (1 - kept) * max(LEAST_QUALITY, face.quality) if told else 0.0
        self.sums = [
            kept * old + weight * math.log(max(LEAST, value)) for old, value in zip(self.sums, face.probabilities, strict=True)
        ]
        self.weight = kept * self.weight + weight
        self.named = kept * self.named + (1 - kept) * told
        self.unnamed = kept * self.unnamed + (1 - kept) * (not told)

    def probabilities(self) -> tuple[float, ...] | None:
        """The smoothed probabilities, summing to 1; None where no face told any for long."""
        if self.weight < LEAST_WEIGHT:
            return None
        highest = max(self.sums)
        powers = [math.exp((value - highest) / self.weight) for value in self.sums]
        whole = sum(powers)
        return tuple(power / whole for power in powers)

    @property
    def mostly_unnamed(self) -> bool:
        """Whether, lately, there was too little to see for more than half of the time."""
        return self.unnamed > self.named
