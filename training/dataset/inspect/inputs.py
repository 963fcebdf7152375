"""The datasets that `dataset inspect` is given, published or prepared, as samples to analyse."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ferstream.streams.service.named_file import as_text
from ferstream.training.dataset.prepare.manifest import MANIFEST, Prepared
from ferstream.training.sources import catalogue
from ferstream.training.sources.catalogue import Named
from ferstream.training.sources.sample import SPLITS, Account, Sample

PREPARED = "avfer"  # as other commands call a prepared dataset


@dataclass(frozen=True, slots=True)
class InspectedSample:
    """A sample, and whether it is an augmented copy: copies are counted, but are no duplicates of their originals."""

    sample: Sample
    copy: bool = False


@dataclass(frozen=True, slots=True)
class InspectedPath:
    """One of the datasets that are analysed together; `read` yields its samples, always in the same order."""

    where: str
    read: Callable[[Account], Iterator[InspectedSample]]


def named(text: str) -> Named:
    """What `avfer:FOLDER`, `SCHEME:PATH` or `PATH` names; nothing is opened. Raises SourceError."""
    scheme, _, path = text.partition(":")
    return Named(PREPARED, catalogue.at_home(path)) if scheme == PREPARED and path else catalogue.parse(text)


def part_of(named: Named) -> InspectedPath:
    """A prepared dataset where its manifest is there, else a source in a known layout. Raises SourceError, PreparedError."""
    if named.scheme == PREPARED or (not named.scheme and (named.path / MANIFEST).exists()):
        return _prepared(named.path)
    catalogue.layout_of(named)  # a path that is wrong is said before an hour of work, not after

    def read(account: Account) -> Iterator[InspectedSample]:
        return map(InspectedSample, catalogue.samples(named, account))

    return InspectedPath(str(named), read)


def _prepared(folder: Path) -> InspectedPath:
    dataset = Prepared.open(folder)

    def read(_account: Account) -> Iterator[InspectedSample]:
        for batch in dataset.table.to_batches(max_chunksize=1000):
            for row in batch.to_pylist():
                yield InspectedSample(_sample(folder, row), bool(row["copy"]))

    return InspectedPath(as_text(folder), read)


def _sample(folder: Path, row: dict[str, str]) -> Sample:
    return Sample(
        folder / row["path"],
        row["emotion"],
        next(split for split in SPLITS if split == row["split"]),
        row["source"],
        row["origin"],
        subject=row["subject"],
        groups=json.loads(row["groups"] or "{}"),
    )
