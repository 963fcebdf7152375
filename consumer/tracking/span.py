"""What is told of a stretch of time of a track: means, shares, the best frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ferstream.streams.wire.emotions import EMOTIONS, Name


def _nothing() -> list[float]:
    return [0.0] * len(EMOTIONS)


@dataclass(slots=True)
class Span:
    """From `since` (epoch seconds) on: seconds by name, sums and peaks of probabilities, the frame of best quality."""

    since: float
    seconds: dict[Name, float] = field(default_factory=dict)
    sums: list[float] = field(default_factory=_nothing)
    peaks: list[float] = field(default_factory=_nothing)
    best_quality: float = -1.0
    best_sequence: int = 0
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def see(self, probabilities: Sequence[float], quality: float, sequence: int, box: tuple[float, float, float, float]) -> None:
        """Take in the face as it is in a frame."""
        self.peaks = [max(old, new) for old, new in zip(self.peaks, probabilities, strict=True)]
        if quality > self.best_quality:
            self.best_quality, self.best_sequence, self.box = quality, sequence, box

    def hold(self, seconds: float, name: Name, probabilities: Sequence[float]) -> None:
        """The face was so for so long."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.sums = [old + seconds * value for old, value in zip(self.sums, probabilities, strict=True)]

    @property
    def duration(self) -> float:
        """In seconds of the camera's time."""
        return sum(self.seconds.values())

    def means(self) -> tuple[float, ...] | None:
        """Mean probabilities over the time; None where no time went by."""
        duration = self.duration
        return tuple(value / duration for value in self.sums) if duration > 0 else None

    def shares(self) -> dict[str, float]:
        """The share of the time of each name, the longest first; empty where no time went by."""
        duration = self.duration
        longest_first = sorted(self.seconds.items(), key=lambda item: -item[1])
        return {name: seconds / duration for name, seconds in longest_first} if duration > 0 else {}
