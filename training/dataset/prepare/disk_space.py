"""Space on the disk: what a dataset will need, whether it is there, and what to do where it is not."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from ferstream.training.dataset.prepare.jpeg_store import NoRoomError

#: Pictures that the need is estimated from, and the reserve for a wrong estimate, the manifest and folders.
TRIED = 48
RESERVE = 1.05

Work = TypeVar("Work")


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Free bytes and files of the disk that a folder is on, and the bytes that its files come in."""

    bytes: int
    files: int | None  # None where the file system does not count them
    block: int

    @classmethod
    def of(cls, folder: Path) -> "DiskSpace":
        """The free space of the disk that an existing folder is on."""
        free = os.statvfs(folder)
        return cls(free.f_bavail * free.f_frsize, free.f_favail if free.f_files else None, free.f_frsize)

    def taken(self, size: int) -> int:
        """Bytes of the disk that a file of `size` bytes takes."""
        return -(-size // self.block) * self.block


@dataclass(frozen=True, slots=True)
class DiskNeed:
    """What is still to be written: files, and bytes of the disk."""

    files: int
    bytes: int

    @classmethod
    def estimate(cls, folder: Path, work: Sequence[Work], size_of: Callable[[Work], int | None], done: int) -> "DiskNeed":
        """Estimate the need of all of `work` but `done` pieces of it, from the sizes of some; None: it makes no file."""
        room, left = DiskSpace.of(folder), max(len(work) - done, 0)
        tried = [size_of(work[i]) for i in _spread(len(work))]
        each = fmean(room.taken(size) for size in tried if size is not None) if any(tried) else 0
        return cls(left, int(left * each * RESERVE))

    def check(self, folder: Path) -> None:
        """Refuse a disk that cannot hold it. Raises NoRoomError, which says how much to free."""
        room = DiskSpace.of(folder)
        if self.bytes > room.bytes:
            raise NoRoomError(
                f"{folder} needs about {_megabytes(self.bytes)} and its disk has {_megabytes(room.bytes)} free:"
                f" free {_megabytes(self.bytes - room.bytes)}, or name another --out"
            )
        if room.files is not None and self.files > room.files:
            raise NoRoomError(
                f"{folder} needs {self.files:,} files and its disk can take {room.files:,} more: name another --out"
            )

    def after(self, share: float) -> "DiskNeed":
        """The need that is left once `share` (0..1) of it is written."""
        return DiskNeed(int(self.files * (1 - share)), int(self.bytes * (1 - share)))

    def full(self, folder: Path) -> NoRoomError:
        """The error of a disk or quota that became full while the dataset was written, and what to do."""
        free = DiskSpace.of(folder).bytes
        advice = f"Free {_megabytes(max(self.bytes - free, 0))} or more"
        if free > self.bytes:
            advice = "So it is a quota, a limit on the size of files (ulimit -f) or on their number: raise that"
        return NoRoomError(
            f"there is no more room in {folder}: {_megabytes(free)} of its disk are free and about {_megabytes(self.bytes)} are"
            f" still needed. {advice}, and run the same command again: it goes on where it stopped"
        )


def _spread(count: int) -> Iterable[int]:
    """Up to TRIED places, evenly over all."""
    return (i * count // min(count, TRIED) for i in range(min(count, TRIED)))


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
