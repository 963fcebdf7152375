"""Files that are there whole or not at all, whatever interrupts the writing."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ferstream.streams.errors import FerstreamError

#: Permissions of files that hold results: they are personal data, not for everybody on the machine.
RESULTS = 0o640
#: What a file is called until it is whole; one that is left over was interrupted and can be removed.
PART = ".part"


class WriteError(FerstreamError):
    """A file cannot be written: the disk is full, or the folder is not ours."""


def make_folder(folder: Path) -> None:
    """The folder, and those above it, if they are not there yet. Raises WriteError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {folder}: {error.strerror}") from error


@contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write, which takes the name `path` once its bytes are safe on the disk. Raises WriteError.

    `mode` are its permissions, less the umask: RESULTS where it says something of people. Where anything fails, in the block too,
    what `path` held before stays. The new name itself may be lost with the power until `sync_directory`.
    """
    part = path.with_name(f"{path.name}{PART}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # before the rename: else the new name may point to a file without its bytes
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # what went wrong before is what is said
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise WriteError(f"cannot write {path}: {error.strerror or error}") from error
        raise


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Until its end, no other process that asks for the same is there: what one reads, changes and writes back stays whole.

    Raises WriteError.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise WriteError(f"cannot use the folder {folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Make new and renamed names in a folder durable. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
