"""What `dataset inspect` is given, as parts of one analysis: published datasets, and prepared ones."""

import json
from collections.abc import Iterator
from pathlib import Path

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.messages import as_text
from ferstream.training.dataset.inspect.collector import Entry, Part
from ferstream.training.dataset.prepare.manifest import MANIFEST, Prepared, PreparedError
from ferstream.training.sources import catalogue
from ferstream.training.sources.catalogue import Named
from ferstream.training.sources.sample import SPLITS, Account, Sample

PREPARED = "avfer"  # as other commands call a prepared dataset


def named(text: str) -> Named:
    """What `avfer:FOLDER`, `SCHEME:PATH` or `PATH` names; nothing is opened. Raises SourceError."""
    scheme, _, path = text.partition(":")
    return Named(PREPARED, Path(path).expanduser()) if scheme == PREPARED and path else catalogue.parse(text)


def part_of(named: Named) -> Part:
    """A prepared dataset where its manifest is there, else a source in a known layout. Raises SourceError, PreparedError."""
    if named.scheme == PREPARED or (not named.scheme and (named.path / MANIFEST).exists()):
        return _prepared(named.path)
    catalogue.layout_of(named)  # a path that is wrong is said before an hour of work, not after

    def read(account: Account) -> Iterator[Entry]:
        return map(Entry, catalogue.samples(named, account))

    return Part(str(named), read)


def _prepared(folder: Path) -> Part:
    dataset = Prepared.open(folder)
    for column, known in (("emotion", EMOTIONS), ("split", SPLITS)):
        if unknown := {str(value) for value in dataset.column(column)} - set(known):
            raise PreparedError(f"{as_text(folder / MANIFEST)} has an unknown {column}: {', '.join(sorted(unknown))}")

    def read(_account: Account) -> Iterator[Entry]:
        for batch in dataset.table.to_batches(max_chunksize=1000):
            for row in batch.to_pylist():
                yield Entry(_sample(folder, row), bool(row["copy"]))

    return Part(as_text(folder), read)


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
