"""Files that are there whole or not at all, whatever interrupts the writing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ferstream.streams.errors import FerstreamError


class WriteError(FerstreamError):
    """A file cannot be written: the disk is full, or the folder is not ours."""


def make_folder(folder: Path) -> None:
    """The folder, and those above it, if they are not there yet. Raises WriteError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {folder}: {error.strerror}") from error


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the name `path` once it is safe on the disk. Raises WriteError."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WriteError(f"cannot write {path}: {error.strerror}") from error
