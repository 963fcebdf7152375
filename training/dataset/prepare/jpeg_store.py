"""Pictures in a dataset's folder, each named by its contents: written once, whole or not at all, and the same in every run."""

import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError
from ferstream.training.common.messages import first_line
from ferstream.training.dataset.prepare.manifest import IMAGES

#: Quality of colour, which was JPEG before, and of grey, whose 48 px fit one block of a disk at any quality: there values
#: change by 2 of 255 at most. At 95 they would by 10.
COLOUR_QUALITY, GREY_QUALITY = 95, 100
#: What a disk, a quota and a limit on file sizes say.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PictureStoreError(FerstreamError):
    """A picture of a dataset cannot be read, or not be written for another reason than a lack of room."""


class NoRoomError(FerstreamError):
    """The disk is full, or a quota is used up."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture in a dataset's folder: path relative to it, bytes, and their digest in hex."""

    path: str
    size: int
    sha256: str


def encode(pixels: NDArray[np.uint8], *, grey: bool) -> bytes:
    """JPEG of RGB (H, W, 3) with whole colours and no metadata: equal channels stay equal."""
    data: bytes = simplejpeg.encode_jpeg(
        pixels, quality=GREY_QUALITY if grey else COLOUR_QUALITY, colorspace="RGB", colorsubsampling="444"
    )
    return data


def load(path: Path) -> NDArray[np.uint8]:
    """The RGB pixels (H, W, 3) of a picture of a prepared dataset. Raises PictureStoreError with its path."""
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(path.read_bytes(), "RGB")
    except OSError as error:
        raise PictureStoreError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise PictureStoreError(f"{path} is no whole JPEG ({first_line(error)}): prepare the dataset again") from error
    return pixels


def store(folder: Path, source: str, data: bytes) -> Stored:
    """Write an encoded picture, unless it is there. Raises NoRoomError, PictureStoreError."""
    stored = _stored(source, hashlib.sha256(data).hexdigest(), len(data))
    if not is_there(folder, stored.path, stored.size):
        write_whole(f"{folder}/{stored.path}", lambda part: write_new(part, data))
    return stored


def link(folder: Path, source: str, sha256: str, original: Path) -> Stored:
    """Store a file of that digest as a hard link, or as a copy on another disk. Raises NoRoomError, PictureStoreError."""
    try:
        stored = _stored(source, sha256, original.stat().st_size)
    except OSError as error:
        raise PictureStoreError(f"cannot read {original}: {error.strerror}") from error
    if not is_there(folder, stored.path, stored.size):
        write_whole(f"{folder}/{stored.path}", lambda part: _link(original, part))
    return stored


def is_there(folder: Path, path: str, size: int) -> bool:
    """Whether the picture was written, in its whole size."""
    try:
        return os.stat(f"{folder}/{path}").st_size == size  # noqa: PTH116 - pathlib takes longer than the disk
    except OSError:  # it is written then, or that says what is wrong
        return False


def write_whole(path: str, write: Callable[[str], None]) -> None:
    """Let `write` make a new file beside it, which then takes the name `path`.

    Not by `whole_file`, as it may be a hard link, and as pictures are forced onto the disk once for all, by who writes the
    manifest, and not once for each.

    Raises NoRoomError, PictureStoreError.
    """
    folder, _, name = path.rpartition("/")
    part = f"{folder}/.{name}.{os.getpid()}"
    try:
        try:
            write(part)
        except FileNotFoundError:
            Path(folder).mkdir(parents=True, exist_ok=True)
            write(part)
        except FileExistsError:  # of a run that was killed; it may be a link to a picture, which must stay as it is
            Path(part).unlink()
            write(part)
        os.replace(part, path)  # noqa: PTH105 - as above
    except OSError as error:
        Path(part).unlink(missing_ok=True)
        kind = NoRoomError if error.errno in NO_ROOM else PictureStoreError
        raise kind(f"cannot write {path}: {error.strerror}") from error


def write_new(path: str, data: bytes) -> None:
    """Write a file that is not there yet. Raises OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        file.write(data)


def _stored(source: str, sha256: str, size: int) -> Stored:
    """The path of a picture with that digest."""
    return Stored(f"{IMAGES}/{source}/{sha256[:2]}/{sha256[2:22]}.jpg", size, sha256)


def _link(original: Path, part: str) -> None:
    try:
        Path(part).hardlink_to(original)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:  # another disk, or one without links: a copy
        write_new(part, original.read_bytes())
