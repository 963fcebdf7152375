"""One file of lines that survives the death of its writer: a line is whole, or cut off by the next start."""

import errno
import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import RESULTS, sync_directory

_BLOCK = 64 * 1024


class LogError(FerstreamError):
    """The log cannot be written: the disk is full, the directory is not ours, or another writer has it."""


class AppendFile:
    """Appends whole lines to a new file. `sync` makes them durable; until then they survive kill -9, not a power cut."""

    def __init__(self, directory: Path, begin: str, suffix: str) -> None:
        self.path, self._fd = _create(directory, begin, suffix)
        self.size = 0
        try:
            sync_directory(directory)
        except OSError as error:
            os.close(self._fd)
            raise LogError(f"cannot write {directory} to the disk: {error.strerror}") from error

    def append(self, lines: bytes) -> None:
        """Write lines, each with its newline at its end, in one write. Raises LogError, and then leaves no torn line."""
        try:
            written = os.write(self._fd, lines)
            if written < len(lines):
                os.ftruncate(self._fd, self.size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise LogError(f"cannot write {self.path}: {error.strerror}; nothing that is not in it was acknowledged") from error
        self.size += written

    def sync(self) -> None:
        """Make what was appended durable. Raises LogError."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise LogError(f"cannot write {self.path} to the disk: {error.strerror}") from error

    def close(self) -> None:
        """Make it durable and close it. Raises LogError."""
        self.sync()
        os.close(self._fd)


class DirectoryLock:
    """Held by the one writer of a directory; the kernel frees it when the writer dies. Raises LogError where another has it."""

    def __init__(self, directory: Path) -> None:
        path = directory / ".lock"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, RESULTS)
        except OSError as error:
            raise LogError(f"cannot write in {directory}: {error.strerror}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise LogError(f"another fer-consumer writes in {directory}: give each its own") from error

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cut_torn_tail(path: Path) -> int:
    """Cut off what stands after the last newline; returns how many bytes that were. Raises LogError."""
    try:
        with path.open("rb+") as file:
            size = end = file.seek(0, os.SEEK_END)
            keep = 0
            while end > 0 and not keep:
                start = max(0, end - _BLOCK)
                file.seek(start)
                keep = start + file.read(end - start).rfind(b"\n") + 1 if end > start else 0
                keep = 0 if keep == start else keep
                end = start
            if keep < size:
                file.truncate(keep)
                os.fsync(file.fileno())
    except OSError as error:
        raise LogError(f"cannot mend {path}: {error.strerror}") from error
    return size - keep


def _create(directory: Path, begin: str, suffix: str) -> tuple[Path, int]:
    """A new file, named by the time. A clock that is set back comes by a name again, whose file may have another form now."""
    moment = datetime.now(UTC)
    try:
        while any(directory.glob(f"{begin}-{moment:%Y%m%dT%H%M%S%f}.*")):
            moment += timedelta(microseconds=1)
        path = directory / f"{begin}-{moment:%Y%m%dT%H%M%S%f}{suffix}"
        return path, os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, RESULTS)
    except OSError as error:
        raise LogError(f"cannot write in {directory}: {error.strerror}") from error
