"""Writes a dataset's folder: part files in many processes, then the manifest, which completes it."""

import fcntl
import logging
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import pyarrow as pa
from tqdm import tqdm

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import WriteError
from ferstream.training.common.parallel import in_order
from ferstream.training.dataset.prepare.disk_space import DiskNeed
from ferstream.training.dataset.prepare.jpeg_store import NO_ROOM, NoRoomError, PictureStoreError
from ferstream.training.dataset.prepare.manifest import IMAGES, MANIFEST, Prepared, write_manifest
from ferstream.training.dataset.prepare.part_files import MARKER, PARTS, read_part, remove_parts

log = logging.getLogger(__name__)

Piece = TypeVar("Piece")

#: Pictures a part: some tenths of a second of work.
CHUNK = 128
#: What says how a dataset was made: a folder with the same of these needs not be made again.
SAME = ("version", "made_by", "sources", "samples", "settings")
#: Folders and files in a source's folder of pictures as we name them, unfinished ones too: nothing else is ever removed.
_OUR_FOLDER = re.compile(r"[0-9a-f]{2}")
_OUR_FILE = re.compile(r"[0-9a-f]{20}\.jpg|\.[0-9a-f]{20}\.jpg\.[0-9]+")


class OutputError(FerstreamError):
    """A folder cannot become the dataset: it is another one, not ours to write to, or somebody is writing to it."""


def already_made(folder: Path, about: dict[str, Any]) -> Prepared | None:
    """The complete dataset in `folder` if it was made in the very same way; None where there is none yet.

    Raises OutputError where there is another one, a part of one, or something else.
    """
    _refuse_links(folder)
    if (folder / MANIFEST).exists():
        return _complete(folder, about)
    others = _entries(folder) if folder.exists() and not _marker(folder).is_file() else []
    if others:
        raise OutputError(f"{folder} holds other things ({others[0].name}): name a new or empty folder with --out")
    return None


@contextmanager
def open_folder(folder: Path, *, finished: bool = False) -> Iterator[None]:
    """Make the folder where there is none, and keep others from writing to it; `finished`: its manifest may be there.

    Raises OutputError.
    """
    try:
        (folder / PARTS).mkdir(parents=True, exist_ok=True)
        file = _marker(folder).open("ab")
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"another run is writing to {folder}: wait for it, or name another --out") from error
        except OSError as error:  # a disk without locks
            log.warning("cannot lock %s (%s): start no second run on it", folder, error.strerror)
        if not os.fstat(file.fileno()).st_nlink or (not finished and (folder / MANIFEST).exists()):
            raise OutputError(f"another run has just finished {folder}: run the same command again")
        yield


def make_parts(
    folder: Path,
    work: Iterable[Piece],
    function: Callable[[Piece], Path],
    sizes: Sequence[int],
    need: DiskNeed,
    processes: int,
) -> Iterator[pa.Table]:
    """Yield the rows of the part file that `function` makes of each piece of work, in order; `sizes` are pictures a piece.

    Raises NoRoomError, which says what to free.
    """
    done, total = 0, sum(sizes)
    with tqdm(total=total, unit=" pictures", unit_scale=True, disable=None) as bar:
        try:
            for path, size in zip(in_order(function, work, processes), sizes, strict=True):
                yield read_part(path)
                done += size
                bar.update(size)
        except NoRoomError as error:
            raise need.after(done / total).full(folder) from error
        except (OSError, pa.ArrowException) as error:
            raise PictureStoreError(f"cannot read what was written to {folder / PARTS}: {error}") from error


def complete(folder: Path, rows: pa.Table, about: dict[str, Any], sources: Collection[str] = ()) -> Prepared:
    """Write the manifest of a folder whose pictures are all there, and remove what it does not name of its sources and `sources`.

    Raises NoRoomError, WriteError.
    """
    os.sync()  # once for all pictures instead of once for each: a manifest must not outlive what it names
    try:
        prepared = write_manifest(folder, rows, about)
    except WriteError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_ROOM:
            raise DiskNeed(2, rows.nbytes).full(folder) from error
        raise
    _tidy(prepared, sources)
    return prepared


def _complete(folder: Path, about: dict[str, Any]) -> Prepared:
    prepared = Prepared.open(folder)
    if any(prepared.about.get(key) != about[key] for key in SAME):
        raise OutputError(f"{folder} holds a dataset that was made otherwise: name another --out, or remove it")
    if gone := [path for path in prepared.paths if not path.is_file()]:
        raise OutputError(f"{folder} lacks {len(gone):,} of its pictures ({gone[0].name}): remove it and make it anew")
    if _marker(folder).is_file():
        with open_folder(folder, finished=True):
            _tidy(prepared)
    click.echo(f"{folder} is complete: nothing to do", err=True)
    return prepared


def _tidy(prepared: Prepared, sources: Collection[str] = ()) -> None:
    """Remove pictures of ours that the manifest does not name, then the parts: while there are any, it is not done."""
    named = set(prepared.column("path"))
    for source in {*prepared.column("source"), *sources}:
        for folder in _inside(prepared.folder / IMAGES / source):
            if not (folder.is_dir(follow_symlinks=False) and _OUR_FOLDER.fullmatch(folder.name)):
                continue
            for file in _inside(Path(folder.path)):
                if _OUR_FILE.fullmatch(file.name) and f"{IMAGES}/{source}/{folder.name}/{file.name}" not in named:
                    Path(file.path).unlink(missing_ok=True)
    remove_parts(prepared.folder)


def _inside(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds: nothing where there is none, or only a link to one."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return list(entries)


def _marker(folder: Path) -> Path:
    return folder / PARTS / MARKER


def _refuse_links(folder: Path) -> None:
    """Refuse a folder in which files would be written or removed through a link. Raises OutputError."""
    for name in (IMAGES, PARTS):
        if (folder / name).is_symlink():
            raise OutputError(f"{folder / name} is a symbolic link: name a new or empty folder with --out")


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise OutputError(f"cannot look into {folder}: {error.strerror}") from error
