"""Statistics of the pictures of one source, or of several together: counts, and sums that stay exact."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.inspect.observation import ICON, Observation
from ferstream.training.sources.sample import SPLITS, Sample

#: Splits as columns of `counts`; the last is of pictures whose source has none.
ALL_SPLITS = (*SPLITS, "")
BINS = 50  # of brightness, from 0 to 1

#: A standard deviation of luma, 0..1, under which a picture shows nothing.
BLANK = 0.02


def _zeros(*shape: int) -> NDArray[np.int64]:
    return np.zeros(shape, np.int64)


@dataclass(slots=True)
class PictureStatistics:
    """Counts and exact sums over pictures; `add` counts one picture more."""

    counts: NDArray[np.int64] = field(default_factory=lambda: _zeros(len(ALL_SPLITS), len(EMOTIONS)))
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)  # width, height
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)  # as stored
    grey: Counter[int] = field(default_factory=Counter)  # with equal channels once decoded, by channels as stored
    nearly_grey: int = 0
    pixels: int = 0
    totals: list[int] = field(default_factory=lambda: [0, 0, 0])  # by channel
    squares: list[int] = field(default_factory=lambda: [0, 0, 0])
    brightness: NDArray[np.int64] = field(default_factory=lambda: _zeros(BINS))
    blank: int = 0
    copies: int = 0  # augmented
    icons: NDArray[np.int64] = field(default_factory=lambda: _zeros(len(EMOTIONS), ICON, ICON))
    groups: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    subjects: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # splits by subject

    def add(self, sample: Sample, seen: Observation, copy: bool) -> None:
        """Count one picture."""
        emotion = EMOTIONS.index(sample.emotion)
        self.counts[ALL_SPLITS.index(sample.split), emotion] += 1
        self.icons[emotion] += seen.icon
        self.sizes[seen.width, seen.height] += 1
        self.formats[seen.format] += 1
        self.modes[seen.mode] += 1
        self.channels[seen.channels] += 1
        self.grey[seen.channels] += seen.grey
        self.nearly_grey += seen.nearly_grey
        self.pixels += seen.width * seen.height
        self.totals = [a + b for a, b in zip(self.totals, seen.totals, strict=True)]
        self.squares = [a + b for a, b in zip(self.squares, seen.squares, strict=True)]
        self.brightness[min(int(seen.brightness * BINS), BINS - 1)] += 1
        self.blank += seen.contrast < BLANK
        self.copies += copy
        for group, value in sample.groups.items():
            self.groups[group][value] += 1
        if sample.subject is not None:
            self.subjects[sample.subject].add(sample.split)

    @property
    def pictures(self) -> int:
        return int(self.counts.sum())

    def mean(self) -> list[float]:
        """Mean of each channel, 0..1, over all pixels."""
        return [total / (255 * self.pixels) for total in self.totals]

    def deviation(self) -> list[float]:
        """Standard deviation of each channel, 0..1, over all pixels; in whole numbers up to the root, so that nothing cancels."""
        return [
            float((self.pixels * square - total**2) ** 0.5) / (255 * self.pixels)
            for total, square in zip(self.totals, self.squares, strict=True)
        ]

    @classmethod
    def together(cls, statistics: "list[PictureStatistics]") -> "PictureStatistics":
        """The sum of several statistics, without `subjects`: names of people are those of their source."""
        all_of = cls()
        for one in statistics:
            for name in ("counts", "icons", "brightness", "nearly_grey", "pixels", "blank", "copies"):
                setattr(all_of, name, getattr(all_of, name) + getattr(one, name))
            for name in ("sizes", "formats", "modes", "channels", "grey"):
                getattr(all_of, name).update(getattr(one, name))
            all_of.totals = [a + b for a, b in zip(all_of.totals, one.totals, strict=True)]
            all_of.squares = [a + b for a, b in zip(all_of.squares, one.squares, strict=True)]
            for group, values in one.groups.items():
                all_of.groups[group].update(values)
        return all_of
