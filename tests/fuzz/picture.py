"""The JPEG of a frame: bytes that are no picture are a PictureError, however they begin."""

import io

import atheris
import numpy as np
import simplejpeg
from PIL import Image

from tests.fuzz.driver import fuzz

with atheris.instrument_imports(include=["ferstream.workers.faces.picture"]):
    from ferstream.workers.faces.picture import PictureError, decode_jpeg

MAX_PIXELS = 1_000_000


def target(data: bytes) -> None:
    try:
        picture = decode_jpeg(data, MAX_PIXELS)
    except PictureError:
        return
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    assert picture.shape[0] * picture.shape[1] <= MAX_PIXELS


def examples() -> list[bytes]:
    """Small pictures of every kind of JPEG: grey, colour, progressive, for print, with EXIF, cut short."""
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    colour = simplejpeg.encode_jpeg(pixels, quality=60)
    grey = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels[..., :1]), quality=60, colorspace="GRAY")
    kinds = [
        ("RGB", {"progressive": True}),
        ("CMYK", {}),
        ("RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
        ("L", {"optimize": True}),
    ]
    others = [_jpeg(Image.fromarray(pixels).convert(mode), **options) for mode, options in kinds]
    return [colour, grey, colour[: len(colour) // 2], *others]


def _jpeg(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


if __name__ == "__main__":
    fuzz("picture", target, examples())
