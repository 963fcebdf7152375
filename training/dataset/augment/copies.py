"""The pictures of a few rows of a prepared dataset, taken as they are or as augmented copies."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferstream.training.dataset.augment.augmentation import Ranges, augmented
from ferstream.training.dataset.prepare.jpeg_store import encode, link, load, store
from ferstream.training.dataset.prepare.part_files import find_part, write_part

ManifestRow = dict[str, Any]  # of the manifest
Taken = tuple[ManifestRow, Sequence[int]]  # and the numbers of its copies, 0 for itself


@dataclass(frozen=True, slots=True)
class CopyPiece:
    """Rows of the dataset in `original`, and the copies of each that go into `folder`."""

    folder: Path
    original: Path
    taken: Sequence[Taken]
    seed: int
    ranges: Ranges


def make_copies(piece: CopyPiece) -> Path:
    """Write the copies of a piece and the part file of their rows, unless it is there; returns its path.

    Raises NoRoomError, PictureStoreError.
    """
    digest = digest_of(piece)
    part = find_part(piece.folder, digest)
    return part or write_part(piece.folder, digest, [row for taken in piece.taken for row in _rows(piece, taken)])


def digest_of(piece: CopyPiece) -> str:
    """The digest of everything that the part of a piece follows from: rows, copies, seed and ranges."""
    return hashlib.sha256(repr(("1", piece.taken, piece.seed, piece.ranges)).encode()).hexdigest()


def copy_size(taken: Taken, original: Path, seed: int, ranges: Ranges) -> int:
    """Bytes of a copy of the row as it will be written. Raises PictureStoreError."""
    row, copies = taken
    pixels = augmented(load(original / row["path"]), row["sha256"], copies[-1], seed, ranges)
    return len(encode(pixels, grey=row["grey"]))


def _rows(piece: CopyPiece, taken: Taken) -> list[ManifestRow]:
    """The rows of the part; the pictures are written."""
    row, copies = taken
    path = piece.original / row["path"]
    rows = []
    pixels = load(path) if any(copies) else None
    for copy in copies:
        if copy == 0 or pixels is None:
            stored = link(piece.folder, row["source"], row["sha256"], path)
            rows.append(row | {"path": stored.path, "size": stored.size})
            continue
        made = augmented(pixels, row["sha256"], copy, piece.seed, piece.ranges)
        stored = store(piece.folder, row["source"], encode(made, grey=row["grey"]))
        rows.append(row | {"path": stored.path, "size": stored.size, "sha256": stored.sha256, "phash": None, "copy": copy})
    return rows
