"""The analysis of one or more sources: every picture is decoded once, over all cores."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ferstream.streams.errors import FerstreamError
from ferstream.training.common.parallel import in_order
from ferstream.training.dataset.inspect.collector import Collector, Rows
from ferstream.training.dataset.inspect.duplicate_clusters import DuplicateClusters
from ferstream.training.dataset.inspect.inputs import InspectedPath
from ferstream.training.dataset.inspect.observation import observe
from ferstream.training.dataset.inspect.picture_statistics import PictureStatistics
from ferstream.training.dataset.prepare.fingerprints import DISTANCE
from ferstream.training.dataset.prepare.near_duplicates import near_duplicates
from ferstream.training.sources.sample import Account


class AnalysisError(FerstreamError):
    """There is no picture to look at."""


@dataclass(frozen=True)
class Analysis:
    """What `analyse` found: statistics by source, examples, and the clusters of duplicates."""

    parts: Sequence[InspectedPath]
    accounts: Sequence[Account]  # by part
    names: Sequence[str]  # of the sources, each once
    parts_of: Sequence[int]  # the part of each source
    statistics: Sequence[PictureStatistics]  # by source
    examples: Sequence[Sequence[Sequence[NDArray[np.uint8]]]]  # by source and emotion: thumbnails
    rows: Rows  # copies are not among them
    exact: DuplicateClusters
    near: DuplicateClusters
    distance: int

    @cached_property
    def all(self) -> PictureStatistics:
        """The statistics of all sources together."""
        return PictureStatistics.together(list(self.statistics))


def analyse(
    parts: Sequence[InspectedPath], processes: int, distance: int = DISTANCE, *, strict: bool = False, seed: int = 0
) -> Analysis:
    """Analyse every picture of `parts`, in `processes` processes.

    Duplicates are near where their perceptual hashes differ in at most `distance` bits. `seed` draws the examples.

    Raises AnalysisError where no picture can be read, SourceError where `strict` and something is wrong, ParallelError.
    """
    collector = Collector(parts, strict, np.random.default_rng(seed))
    with tqdm(desc="looking", unit=" pictures", unit_scale=True, disable=None) as bar:
        for seen in in_order(observe, collector.chunks(), processes):
            for observation in seen:
                collector.take(observation)
            bar.update(len(seen))
    if not sum(stats.pictures for stats in collector.statistics):
        raise AnalysisError(_nothing(parts, collector.accounts))
    rows = collector.rows
    return Analysis(
        parts, collector.accounts, collector.names, collector.parts_of, collector.statistics, collector.examples(), rows,
        DuplicateClusters.exact(rows.bytes_of("digests")),
        DuplicateClusters.of(near_duplicates(rows.bytes_of("hashes"), distance)),
        distance,
    )  # fmt: skip


def _nothing(parts: Sequence[InspectedPath], accounts: Sequence[Account]) -> str:
    said = []
    for part, account in zip(parts, accounts, strict=True):
        reasons = [f"{count:,} {reason}" for reason, count in (account.wrong + account.left_out).most_common()]
        said.append(f"{part.where} ({', '.join(reasons) or 'empty'})")
    return f"there is no picture to look at in {'; '.join(said)}"
