"""The pictures of a few samples, made ready: decoded, cut to the face, made smaller, fingerprinted, written as JPEG."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.training.dataset.prepare.fingerprints import perceptual_hash
from ferstream.training.dataset.prepare.jpeg_store import encode, store
from ferstream.training.dataset.prepare.part_files import find_part, write_part
from ferstream.training.sources.pictures import PictureError, face_of
from ferstream.training.sources.pixels import with_equal_channels
from ferstream.training.sources.sample import Sample


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples whose pictures go into `folder`, no side longer than `largest_side` px."""

    folder: Path
    largest_side: int
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A face (H, W, 3) as the dataset has it, whether its channels are equal, and whether it is all of the source's picture."""

    pixels: NDArray[np.uint8]
    grey: bool
    untouched: bool


def prepare_pictures(piece: Piece) -> Path:
    """Write the pictures of a piece and the part file of their rows, unless it is there; returns its path.

    Raises NoRoomError, PictureStoreError.
    """
    digest = digest_of(piece)
    part = find_part(piece.folder, digest)
    return part or write_part(piece.folder, digest, [_row(piece, sample) for sample in piece.samples])


def ready(sample: Sample, largest_side: int) -> Ready:
    """A sample's face, no side longer than `largest_side` px. Raises PictureError."""
    picture = face_of(sample)
    grey = with_equal_channels(picture.pixels)
    pixels = smaller(picture.pixels if grey is None else grey, largest_side)
    return Ready(pixels, grey is not None, untouched=picture.plain and pixels is picture.pixels)


def file_of(sample: Sample, picture: Ready) -> bytes:
    """The picture as it is written: the source's own JPEG where that is nothing but these pixels, else one made of them."""
    if picture.untouched:
        try:
            data = sample.picture if isinstance(sample.picture, bytes) else sample.picture.read_bytes()
        except OSError:  # gone since: the pixels are here
            data = b""
        if is_bare(data):
            return data
    return encode(picture.pixels, grey=picture.grey)


def encoded_size(sample: Sample, largest_side: int) -> int | None:
    """Bytes of the picture as it will be written; None where it cannot be read."""
    try:
        return len(file_of(sample, ready(sample, largest_side)))
    except PictureError:  # it is counted when its turn comes
        return None


def smaller(pixels: NDArray[np.uint8], largest_side: int) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) whose longer side is at most `largest_side`."""
    height, width = pixels.shape[:2]
    scale = largest_side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _row(piece: Piece, sample: Sample) -> dict[str, Any]:
    """The sample's row of the part; the picture is written."""
    row: dict[str, Any] = {
        "source": sample.source,
        "origin": sample.origin,
        "emotion": sample.emotion,
        "split": sample.split,
        "subject": sample.subject,
        "votes": sample.votes,
        "groups": json.dumps(dict(sorted(sample.groups.items())), ensure_ascii=False),
        "copy": 0,
    }
    try:
        picture = ready(sample, piece.largest_side)
    except PictureError as error:  # the main process counts it
        return row | {"wrong": error.reason}
    pixels = picture.pixels
    stored = store(piece.folder, sample.source, file_of(sample, picture))
    return row | {
        "path": stored.path,
        "size": stored.size,
        "sha256": stored.sha256,
        "phash": perceptual_hash(pixels[..., 0] if picture.grey else pixels),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "grey": picture.grey,
    }


def digest_of(piece: Piece) -> str:
    """The digest of everything that the part follows from; a file counts as unchanged while its size and time are."""
    digest = hashlib.sha256(f"2 {piece.largest_side}".encode())
    for sample in piece.samples:
        about = (sample.source, sample.origin, sample.emotion, sample.split, sample.subject, sample.box, sample.votes)
        digest.update(repr((about, sorted(sample.groups.items()))).encode("utf-8", "backslashreplace"))
        digest.update(
            sample.picture if isinstance(sample.picture, bytes) else os.fsencode(sample.picture) + state_of(sample.picture)
        )
    return digest.hexdigest()


def state_of(path: Path) -> bytes:
    """Size and time of a file, as bytes for a digest."""
    try:
        state = path.stat()
    except (OSError, ValueError):  # said when it is read
        return b"\0"
    return f"\0{state.st_size}\0{state.st_mtime_ns}".encode()


_START, _END, _JFIF = b"\xff\xd8\xff\xe0", b"\xff\xd9", b"JFIF\0"
_APP0, _SOF0, _SOS = 0xE0, 0xC0, 0xDA
#: Segments that pixels need: tables of quantisation and of Huffman codes, restart intervals, the frame.
_NEEDED = {0xDB, 0xC4, 0xDD, _SOF0}
#: Bytes of a JFIF segment without a thumbnail, and of a frame of three colours.
_APP0_LENGTH, _FRAME_LENGTH = 16, 17
#: What ends a scan: any marker but a restart; a value of 255 is followed by a 0.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def is_bare(data: bytes) -> bool:
    """Whether data is one baseline JPEG in YCbCr as JFIF has it, with nothing besides: no comment, EXIF, profile or thumbnail,
    and nothing after its one scan."""
    if not (data.startswith(_START) and data[6:11] == _JFIF and data.endswith(_END)):
        return False
    place, framed = 2, False
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == _SOS:
            return framed and _ends_with_scan(data, place + 2 + length)
        if marker == _SOF0:
            framed = length == _FRAME_LENGTH
        elif not (marker in _NEEDED or (marker == _APP0 and place == 2 and length == _APP0_LENGTH)):
            return False
        place += 2 + length
    return False


def _ends_with_scan(data: bytes, start: int) -> bool:
    end = _SCAN_END.search(data, start)
    return end is not None and data[end.start() :] == _END
