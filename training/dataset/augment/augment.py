"""`fer-train dataset augment`: a prepared dataset with as many training samples of every emotion."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ferstream.streams.errors import FerstreamError
from ferstream.training.dataset.augment.augmentation import Ranges
from ferstream.training.dataset.augment.balance import balanced
from ferstream.training.dataset.augment.copies import CopyPiece, Taken, copy_size, digest_of, make_copies
from ferstream.training.dataset.prepare.counts import counts
from ferstream.training.dataset.prepare.dataset_writer import CHUNK, already_made, complete, make_parts, open_folder
from ferstream.training.dataset.prepare.disk_space import DiskNeed
from ferstream.training.dataset.prepare.manifest import MANIFEST, SCHEMA, Prepared
from ferstream.training.dataset.prepare.part_files import count_parts

VERSION = 1


class AugmentError(FerstreamError):
    """A dataset that cannot be augmented."""


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How many training samples of every emotion there will be, and what copies are drawn from."""

    target: int = 20_000
    ranges: Ranges = field(default_factory=Ranges)
    seed: int = 0


def augment(original: Path, folder: Path, settings: AugmentSettings, processes: int) -> Prepared:
    """Make the balanced dataset in `folder`, or go on with it; splits other than train are as in the dataset in `original`.

    Raises PreparedError, AugmentError, OutputError, NoRoomError, PictureStoreError, ParallelError.
    """
    prepared = Prepared.open(original)
    _check(prepared, folder)
    about = _about(prepared, settings)
    if made := already_made(folder, about):
        return made
    with open_folder(folder):
        chunks = pieces_of(prepared, settings)
        sizes = [sum(len(copies) for _, copies in chunk) for chunk in chunks]
        need = _need(folder, prepared, chunks, settings)
        need.check(folder)
        tables = list(make_parts(folder, _pieces(folder, prepared, chunks, settings), make_copies, sizes, need, processes))
        rows = pa.concat_tables(tables).select(SCHEMA.names).combine_chunks()
        return complete(folder, rows, about | counts(rows))


RowCopies = tuple[int, list[int]]  # a row of the manifest, and the numbers of its copies


def pieces_of(prepared: Prepared, settings: AugmentSettings) -> list[list[RowCopies]]:
    """What the dataset will hold, in the order of the manifest, CHUNK pictures at a time."""
    return list(_chunks(_taken(prepared, settings)))


def _taken(prepared: Prepared, settings: AugmentSettings) -> list[RowCopies]:
    """What the dataset will hold, in the order of the manifest."""
    splits = prepared.column("split")
    training = np.flatnonzero(splits == "train")
    digests = prepared.column("sha256")[training]
    chosen, copies = balanced(prepared.labels[training], settings.target, settings.seed, digests)
    pairs = [
        *zip(training[chosen].tolist(), copies.tolist(), strict=True),
        *((row, 0) for row in np.flatnonzero(splits != "train").tolist()),
    ]
    pairs.sort()
    return [(row, [copy for _, copy in group]) for row, group in groupby(pairs, itemgetter(0))]


def _chunks(taken: Sequence[RowCopies]) -> Iterator[list[RowCopies]]:
    """Rows together with their copies, CHUNK pictures at a time: the copies of one row may be in several."""
    chunk: list[RowCopies] = []
    room = CHUNK
    for row, copies in taken:
        done = 0
        while done < len(copies):
            now = copies[done : done + room]
            chunk.append((row, now))
            done += len(now)
            room -= len(now)
            if not room:
                yield chunk
                chunk, room = [], CHUNK
    if chunk:
        yield chunk


def _with_rows(prepared: Prepared, chunk: Sequence[RowCopies]) -> list[Taken]:
    """Rows of the manifest in place of their numbers, each with the numbers of its copies."""
    rows = prepared.table.take([row for row, _ in chunk]).to_pylist()
    return [(row, copies) for row, (_, copies) in zip(rows, chunk, strict=True)]


def _pieces(
    folder: Path, prepared: Prepared, chunks: Iterable[Sequence[RowCopies]], settings: AugmentSettings
) -> Iterator[CopyPiece]:
    return (CopyPiece(folder, prepared.folder, _with_rows(prepared, chunk), settings.seed, settings.ranges) for chunk in chunks)


def _need(folder: Path, prepared: Prepared, chunks: Sequence[Sequence[RowCopies]], settings: AugmentSettings) -> DiskNeed:
    """Space for the copies; originals are links, where the disk is the same."""
    same_disk = folder.stat().st_dev == prepared.folder.stat().st_dev
    written = [(row, [copy]) for chunk in chunks for row, copies in chunk for copy in copies if copy or not same_disk]
    done = count_parts(folder, map(digest_of, _pieces(folder, prepared, chunks, settings)))
    share_done = done / len(chunks) if chunks else 1.0

    def size_of(one: RowCopies) -> int:
        (taken,) = _with_rows(prepared, [one])
        return copy_size(taken, prepared.folder, settings.seed, settings.ranges)

    return DiskNeed.estimate(folder, written, size_of, int(share_done * len(written)))


def _check(prepared: Prepared, folder: Path) -> None:
    if folder.resolve() == prepared.folder.resolve():
        raise AugmentError(f"{folder} is the dataset itself: name another folder with --out")
    if prepared.column("copy").any():
        raise AugmentError(f"{prepared.folder} is augmented already: augment the dataset that it was made of")
    if "train" not in prepared.split_names():
        raise AugmentError(f"{prepared.folder} has nothing to train on: its splits are {', '.join(prepared.split_names())}")


def _about(prepared: Prepared, settings: AugmentSettings) -> dict[str, Any]:
    """How the dataset is made: the same here and on every machine."""
    manifest = hashlib.sha256((prepared.folder / MANIFEST).read_bytes()).hexdigest()
    return {
        "version": VERSION,
        "made_by": "augment",
        "sources": prepared.about.get("sources", []),
        "samples": {"count": len(prepared), "digest": manifest[:16]},
        "settings": asdict(settings) | {"ranges": asdict(settings.ranges) | {"brightness": list(settings.ranges.brightness)}},
        "original": prepared.about,
    }
