"""Finished parts of a dataset that is being made, so that an interrupted run goes on where it stopped.

A part is the rows of a few pictures that are in the folder already. It is called by a digest of all that its rows follow from,
the settings too: whatever changed since is made anew, and what did not is taken as it is.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from ferstream.training.dataset.prepare.jpeg_store import is_there, write_new, write_whole
from ferstream.training.dataset.prepare.manifest import SCHEMA

PARTS = ".parts"
#: What says that a folder is ours to write to, and is locked by whoever does.
MARKER = "made-by-fer-train"

#: The manifest's columns, where `split` is the source's own, and two more: bytes of the picture, and what is wrong with it (its
#: path is null then).
PART_SCHEMA = SCHEMA.append(pa.field("size", pa.int64())).append(pa.field("wrong", pa.string()))


def find_part(folder: Path, digest: str) -> Path | None:
    """The part of that digest, if it is whole and so are its pictures: a machine that went down may have lost some."""
    path = folder / PARTS / digest
    try:
        rows = read_part(path)
    except (OSError, pa.ArrowException):  # it is made anew
        return None
    pictures = zip(rows["path"].to_pylist(), rows["size"].to_pylist(), strict=True)
    return path if all(name is None or is_there(folder, name, size) for name, size in pictures) else None


def read_part(path: Path) -> pa.Table:
    """The rows of a part. Raises OSError, pa.ArrowException."""
    rows = pa.ipc.open_file(pa.py_buffer(path.read_bytes())).read_all()
    if not rows.schema.equals(PART_SCHEMA):
        raise pa.ArrowInvalid("of another version")
    return rows


def write_part(folder: Path, digest: str, rows: list[dict[str, Any]]) -> Path:
    """Write a part. Raises NoRoomError, PictureStoreError."""
    path = folder / PARTS / digest
    table = pa.Table.from_pylist(rows, PART_SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, PART_SCHEMA) as file:
        file.write_table(table)
    write_whole(str(path), lambda part: write_new(part, sink.getvalue().to_pybytes()))
    return path


def count_parts(folder: Path, digests: Iterable[str]) -> int:
    """How many of the parts with these digests are there; digests are computed only where there are any parts."""
    there = {path.name for path in (folder / PARTS).glob("[0-9a-f]*")}
    return sum(digest in there for digest in digests) if there else 0


def remove_parts(folder: Path) -> None:
    """Remove the parts of a complete dataset."""
    shutil.rmtree(folder / PARTS, ignore_errors=True)
