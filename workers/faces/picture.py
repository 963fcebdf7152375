"""Pixels out of what holds them: the JPEG of a frame, a picture file, an array, or a picture of Pillow's."""

import os
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import simplejpeg

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import NamedFileError, read_bytes
from ferstream.streams.wire.scans import MOST_SCANS, has_too_many_scans
from ferstream.workers.models.detector import Picture

MAX_SIDE = 65_535  # JPEG's own limit
MAX_BYTES = 1 << 28  # of a picture file


class PillowPicture(Protocol):
    """What is used of a `PIL.Image.Image`: Pillow itself is not needed."""

    @property
    def mode(self) -> str: ...

    def convert(self, mode: str, /) -> Any: ...  # noqa: ANN401 - another such picture


#: RGB bytes of any size, a file's path, or a picture of Pillow's.
PictureLike = Picture | str | os.PathLike[str] | PillowPicture


class PictureError(FerstreamError):
    """What was given is no picture that can be looked at; `reason` is a word for metrics and dead letters."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode_jpeg(data: bytes, max_pixels: int) -> Picture:
    """The RGB pixels (H, W, 3) of a frame's JPEG.

    The header is read first: a picture of 40,000 x 40,000 is refused before memory is set aside for it.

    Raises PictureError (`empty`, `bad-jpeg`, `too-large`).
    """
    if not data:
        raise PictureError("empty", "the picture has no bytes")
    try:
        height, width, colourspace, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > max_pixels:
            raise PictureError("too-large", f"{width}x{height} px; at most {max_pixels} pixels are taken (--max-pixels)")
        if colourspace in ("CMYK", "YCCK"):
            raise PictureError("bad-jpeg", f"colour space {colourspace} is for print")
        if has_too_many_scans(data):
            raise PictureError("bad-jpeg", f"more than {MOST_SCANS} scans would keep the decoder busy")
        return simplejpeg.decode_jpeg(data, "RGB", fastdct=True, fastupsample=True)  # type: ignore[no-any-return]
    except ValueError as error:
        raise PictureError("bad-jpeg", str(error).splitlines()[0] if str(error) else "not a JPEG") from error


def read_picture(path: Path) -> Picture:
    """The RGB pixels (H, W, 3) of a picture file, turned as its EXIF says.

    Raises PictureError (`unreadable`, `bad-picture`).
    """
    try:
        data = np.frombuffer(read_bytes(path, MAX_BYTES), np.uint8)
    except NamedFileError as error:
        raise PictureError("unreadable", str(error)) from error
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    except cv2.error:  # a header that claims more pixels than OpenCV reads
        picture = None
    if picture is None:
        raise PictureError("bad-picture", f"{path} is no picture that OpenCV reads")
    return np.asarray(picture, np.uint8)


def as_picture(source: PictureLike, name: str = "the picture") -> Picture:
    """The RGB pixels (H, W, 3) of whatever holds a picture; `name` says in an error which one it is.

    Grey pictures (H, W) become RGB, the alpha of RGBA (H, W, 4) is left out, 16 bits of grey become 8. A file is turned as its
    EXIF says; a picture of Pillow's is taken as its pixels lie, so that boxes fit it: `PIL.ImageOps.exif_transpose` turns it.

    Raises PictureError (`unreadable`, `bad-picture`, `not-a-picture`, `empty`).
    """
    if isinstance(source, str | os.PathLike):
        path = os.fsdecode(source)
        if not path:
            raise PictureError("unreadable", f"{name} is an empty path")
        return read_picture(Path(path))
    kind = type(source).__name__
    try:
        pixels = np.asarray(source if isinstance(source, np.ndarray) or not _is_pillow(source) else _pillow_pixels(source, name))
    except (OSError, ValueError) as error:
        raise PictureError("bad-picture", f"{name}: {kind} cannot be read: {error}") from error
    if not isinstance(source, np.ndarray) and pixels.dtype != np.uint8:
        raise PictureError(
            "not-a-picture", f"{name} is of type {kind}: give a path, a numpy array of RGB bytes, or a picture of Pillow's"
        )
    if pixels.dtype != np.uint8:
        raise PictureError("not-a-picture", f"{name} has pixels of {pixels.dtype}: they must be uint8, 0 to 255")
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise PictureError("not-a-picture", f"{name} has the shape {pixels.shape}: it must be (height, width, 3), RGB")
    if not pixels.size:
        raise PictureError("empty", f"{name} has no pixels: its shape is {pixels.shape}")
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels[..., :3])


def _is_pillow(source: object) -> bool:
    return hasattr(source, "convert") and hasattr(source, "mode")


def _pillow_pixels(source: PillowPicture, name: str) -> Any:  # noqa: ANN401 - what numpy makes an array of
    """RGB or 8 bits of grey: Pillow knows how palettes, CMYK and one bit a pixel become RGB; it may read the file only now."""
    if source.mode.startswith("I;16"):  # Pillow would cut off above 255, which leaves white; OpenCV takes the upper byte too
        return (np.asarray(source) >> 8).astype(np.uint8)
    if source.mode in ("I", "F"):
        raise PictureError("not-a-picture", f"{name} has Pillow's mode {source.mode}, of no known range: scale it to 8 bits")
    return source.convert("RGB")
