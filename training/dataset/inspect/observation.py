"""What is measured of one picture: numbers, hashes and two small pictures, so that the picture itself need not be kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.training.common.contact_sheet import fitted
from ferstream.training.dataset.prepare.fingerprints import perceptual_hash, pixel_digest
from ferstream.training.sources.pictures import PictureError, face_of
from ferstream.training.sources.pixels import ROUNDING
from ferstream.training.sources.sample import Sample

ICON = 32  # side of the grey picture that mean faces are made of
THUMBNAIL = 80  # longer side of what sheets show
BLOCK = 1 << 20  # pixels that are looked at together: few enough for OpenCV's counts, float32, to be exact, and for any memory


@dataclass(frozen=True, slots=True)
class ObservationRequest:
    """A sample to measure, and whether a thumbnail of it is wanted for a contact sheet."""

    sample: Sample
    shown: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """What is measured of one decoded face; `totals` and `squares` are whole numbers, so that sums over faces are exact."""

    width: int
    height: int
    format: str
    mode: str
    channels: int
    grey: bool
    nearly_grey: bool  # its channels differ, by rounding only
    totals: tuple[int, int, int]  # sum of each channel
    squares: tuple[int, int, int]  # sum of each channel's squares
    brightness: float  # mean of luma, 0..1
    contrast: float  # standard deviation of luma, 0..1
    digest: bytes  # of the pixels
    hash: bytes  # perceptual
    icon: NDArray[np.uint8]  # (32, 32) luma
    thumbnail: NDArray[np.uint8] | None  # (h, w, 3) RGB where a sheet shows it


def observe(orders: Sequence[ObservationRequest]) -> list[Observation | PictureError]:
    """Measure several samples, in any process; an error stands in the place of a picture that cannot be read."""
    return [_observe(order) for order in orders]


def thumbnails(samples: Sequence[Sample]) -> list[NDArray[np.uint8] | None]:
    """The faces as sheets show them; None for one that can no longer be read."""
    found: list[NDArray[np.uint8] | None] = []
    for sample in samples:
        try:
            found.append(fitted(face_of(sample).pixels, THUMBNAIL))
        except PictureError:  # it was there a minute ago; its place on the sheet stays empty
            found.append(None)
    return found


def _observe(order: ObservationRequest) -> Observation | PictureError:
    try:
        picture = face_of(order.sample)
    except PictureError as error:
        return error
    pixels = picture.pixels
    height, width = pixels.shape[:2]
    luma = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    brightness, contrast = cv2.meanStdDev(luma)
    counts, colour = _looked_at(pixels)
    levels = np.arange(256)
    red, green, blue = (counts @ levels).tolist()
    squares = (counts @ levels**2).tolist()
    return Observation(
        width=width,
        height=height,
        format=picture.format,
        mode=picture.mode,
        channels=picture.channels,
        grey=colour == 0,
        nearly_grey=0 < colour <= ROUNDING,
        totals=(red, green, blue),
        squares=(squares[0], squares[1], squares[2]),
        brightness=float(brightness[0, 0]) / 255,
        contrast=float(contrast[0, 0]) / 255,
        digest=bytes.fromhex(pixel_digest(pixels)),
        hash=perceptual_hash(pixels),
        icon=np.asarray(cv2.resize(luma, (ICON, ICON), interpolation=cv2.INTER_AREA), np.uint8),
        thumbnail=fitted(pixels, THUMBNAIL) if order.shown else None,
    )


def _looked_at(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int]:
    """Pixels by channel and level (3, 256), and the largest difference between two channels of a pixel."""
    counts, colour = np.zeros((3, 256), np.int64), 0
    rows = pixels.reshape(-1, 1, 3)
    for start in range(0, len(rows), BLOCK):
        red, green, blue = planes = cv2.split(rows[start : start + BLOCK])
        counts += np.array([cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel() for plane in planes], np.int64)
        colour = max(colour, *(int(cv2.absdiff(a, b).max()) for a, b in ((red, green), (green, blue), (red, blue))))
    return counts, colour
