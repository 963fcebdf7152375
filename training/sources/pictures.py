"""Decodes a picture of any format to pixels, or gives one reason why it cannot be used."""

import io
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: F401 - plugins register by import

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.pixels import has_range, orientation, rgb, three, upright
from ferstream.training.sources.sample import Sample

#: More pixels, or more bytes in the file, than any published face picture has: a bomb or a mistake.
MOST_PIXELS = 64_000_000
MOST_BYTES = 256 << 20

#: What is tried; a PostScript or video file that is called .jpg starts no interpreter.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")


class PictureError(FerstreamError):
    """A picture that cannot be used. `reason` is short and the same for all of its kind, so that it can be counted."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)  # as they are, so that it crosses from one process to another
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """Pixels (H, W, 3) RGB uint8, and how they were stored: `format` JPEG, PNG ...; `mode` L, RGB, P, CMYK, I;16 ...

    `plain` is a JPEG in colour, upright, all of it, that libjpeg decodes without a complaint.
    """

    pixels: NDArray[np.uint8]
    format: str
    mode: str
    channels: int
    plain: bool = False

    @property
    def grey(self) -> bool:
        """All three channels are equal."""
        red, green, blue = (self.pixels[..., i] for i in range(3))
        return np.array_equal(red, green) and np.array_equal(green, blue)


def open_picture(picture: Path | bytes) -> DecodedPicture:
    """The picture in a file, or in the bytes of one, upright as its EXIF says. Raises PictureError.

    Grey keeps its values in all three channels; 16 bits are scaled to 8; what is transparent shows black, as the rim of aligned
    faces is. A picture with several frames is refused: its label does not say which of them it is of.
    """
    where, data = _bytes_of(picture)
    return _plain_jpeg(where, data) or _any_picture(where, data)


def face_of(sample: Sample) -> DecodedPicture:
    """A sample's picture, cut to the face's box where it has one. Raises PictureError, which names the sample.

    The box is in pixels of the upright picture, and is clipped to it.
    """
    try:
        picture = open_picture(sample.picture)
    except PictureError as error:
        raise PictureError(f"{sample.source} {sample.origin}", error.reason) from error
    if sample.box is None:
        return picture
    height, width = picture.pixels.shape[:2]
    if not np.isfinite(sample.box).all():
        raise PictureError(f"{sample.source} {sample.origin}", "box is no box")
    left, top, right, bottom = (round(edge) for edge in sample.box)
    cut = picture.pixels[max(top, 0) : max(min(bottom, height), 0), max(left, 0) : max(min(right, width), 0)]
    if not cut.size:
        raise PictureError(f"{sample.source} {sample.origin}", "box outside the picture")
    return DecodedPicture(np.ascontiguousarray(cut), picture.format, picture.mode, picture.channels)


def _bytes_of(picture: Path | bytes) -> tuple[str, bytes]:
    """Where the picture is, for people, and its bytes."""
    if isinstance(picture, bytes):
        where, data = f"a picture of {len(picture)} bytes", picture
    else:
        where, data = as_text(picture), _read(picture)
    if not data:
        raise PictureError(where, "empty file")
    return where, data


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_at_once) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise PictureError(as_text(path), "no file")
            if about.st_size > MOST_BYTES:
                raise PictureError(as_text(path), "too large")
            return file.read()
    except FileNotFoundError as error:
        raise PictureError(as_text(path), "no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise PictureError(as_text(path), "cannot be read") from error


def _at_once(path: str, flags: int) -> int:
    """Open without blocking: a named pipe would wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def _plain_jpeg(where: str, data: bytes) -> DecodedPicture | None:
    """A JPEG that is plain grey or colour and already upright, the usual case, decoded fast; None where it is anything else."""
    if not data.startswith(b"\xff\xd8") or b"Exif\0" in data or b"Orientation" in data:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in ("Gray", "YCbCr"):
            return None
        _check_size(where, width, height)
        if colours == "Gray":
            return DecodedPicture(three(simplejpeg.decode_jpeg(data, "GRAY")[..., 0]), "JPEG", "L", 1)
        return DecodedPicture(simplejpeg.decode_jpeg(data, "RGB"), "JPEG", "RGB", 3, plain=True)
    except ValueError:  # something is wrong with it: Pillow says whether it is worth anything
        return None


def _any_picture(where: str, data: bytes) -> DecodedPicture:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow's, about tags and sizes: sizes are looked at here
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return _decode(where, image)
        except PictureError:
            raise
        except UnidentifiedImageError as error:
            raise PictureError(where, "no picture") from error
        except Image.DecompressionBombError as error:
            raise PictureError(where, "too large") from error
        except Exception as error:  # broken bytes make Pillow's decoders raise nearly anything
            reason = "truncated picture" if "truncated" in str(error) else "broken picture"
            raise PictureError(where, reason) from error


def _decode(where: str, image: Image.Image) -> DecodedPicture:
    """Raises PictureError, or whatever Pillow does."""
    _check_size(where, *image.size)
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # an MPO is a photograph with previews
        raise PictureError(where, "animated: only pictures of one frame are read")
    image.load()
    if not has_range(image):
        raise PictureError(where, "pixels of an unknown range")
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    return DecodedPicture(upright(rgb(image), orientation(image)), kind, image.mode, len(image.getbands()))


def _check_size(where: str, width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise PictureError(where, "zero-sized picture")
    if width * height > MOST_PIXELS:
        raise PictureError(where, "too large")
