"""One augmented copy of a picture, with the semantics of Keras's ImageDataGenerator.

There a generator draws, in this order, rotation, shift of rows, shift of columns, a zoom of rows and one of columns, flip and
brightness; the affine part comes first, then the flip, then the brightness. The affine matrix maps places of the copy to places
of the original, rotation @ shift @ zoom about the centre (h/2 - 0.5, w/2 - 0.5), so that a zoom below 1 enlarges.
This is keras-preprocessing 1.1.2 with two things as Keras 3 has them: the centre, which was (h/2 + 0.5, w/2 + 0.5), a pixel off,
and the brightness, which stretched values first so that the picture's largest was 255. Keras 3 also exchanges the axes: of a
square picture, copies from the study's ranges, the same for both axes and either way, are distributed alike.

The pixels are cv2.warpAffine's, which albumentations calls too; its own and torchvision's affine transforms draw one zoom for
both axes or apply it in another order. Keras has SciPy's, and cuts fractions off where these are rounded; OpenCV 4 takes places
to 1/32 px: a value may differ by a few levels.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError

Pixels = NDArray[np.uint8]  # (H, W, 3)


class RangeError(FerstreamError):
    """A range from which nothing sensible can be drawn."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """The ranges that copies are drawn from, uniformly; defaults are the study's (section 5.2).

    The study flips too, but when it loads a sample (6.3).

    Raises RangeError.
    """

    rotation: float = 10.0  # degrees, either way
    shift: float = 0.2  # of height and of width, either way
    zoom: float = 0.6  # each axis by 1 - zoom to 1 + zoom
    brightness: tuple[float, float] = (0.2, 0.6)  # multiplies
    flip: bool = True  # half of the copies

    def __post_init__(self) -> None:
        low, high = self.brightness
        if not (0 <= self.zoom < 1 and 0 <= self.shift < 1 and 0 <= self.rotation <= 180 and 0 <= low <= high < np.inf):
            raise RangeError(
                f"nothing can be drawn from {self}: a rotation is up to 180 degrees, shift and zoom are less than 1, and"
                " brightness goes from less to more"
            )


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What was drawn for one copy. Shifts are in shares of the picture, zooms of the distances in the copy."""

    rotation: float = 0.0  # degrees
    shift_rows: float = 0.0
    shift_columns: float = 0.0
    zoom_rows: float = 1.0
    zoom_columns: float = 1.0
    flip: bool = False
    brightness: float = 1.0

    @classmethod
    def draw(cls, random: np.random.Generator, ranges: Ranges) -> Self:
        """Draw one copy; always the same number of draws, so that changing one range leaves what the others give."""
        return cls(
            rotation=random.uniform(-ranges.rotation, ranges.rotation),
            shift_rows=random.uniform(-ranges.shift, ranges.shift),
            shift_columns=random.uniform(-ranges.shift, ranges.shift),
            zoom_rows=random.uniform(1 - ranges.zoom, 1 + ranges.zoom),
            zoom_columns=random.uniform(1 - ranges.zoom, 1 + ranges.zoom),
            flip=bool(random.random() < 0.5) and ranges.flip,
            brightness=random.uniform(*ranges.brightness),
        )

    def apply(self, pixels: Pixels) -> Pixels:
        """The copy (H, W, 3) of a picture (H, W, 3)."""
        height, width = pixels.shape[:2]
        copy: cv2.typing.MatLike = pixels
        if (matrix := self.matrix(height, width)) is not None:
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            copy = cv2.warpAffine(copy, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        if self.flip:
            copy = cv2.flip(copy, 1)
        if self.brightness != 1:  # Pillow's ImageEnhance.Brightness, which Keras calls, has float32 and cuts fractions off too
            copy = cv2.LUT(copy, np.clip(np.arange(256, dtype=np.float32) * self.brightness, 0, 255).astype(np.uint8))
        return np.asarray(copy, np.uint8)

    def matrix(self, height: int, width: int) -> NDArray[np.float64] | None:
        """The affine matrix (2, 3) from (x, y, 1) in the copy to (x, y) in the picture; None where every pixel stays."""
        if (self.rotation, self.shift_rows, self.shift_columns, self.zoom_rows, self.zoom_columns) == (0, 0, 0, 1, 1):
            return None
        angle = np.deg2rad(self.rotation)
        cos, sin = np.cos(angle), np.sin(angle)
        rotation = np.array([[cos, -sin], [sin, cos]])  # rows first, as in Keras
        centre = np.array([height / 2 - 0.5, width / 2 - 0.5])
        linear = rotation @ np.diag([self.zoom_rows, self.zoom_columns])
        shift = rotation @ (self.shift_rows * height, self.shift_columns * width)
        offset = centre - linear @ centre + shift
        return np.column_stack([linear, offset])[::-1, [1, 0, 2]]  # columns first, as in OpenCV


def augmented(pixels: Pixels, sha256: str, copy: int, seed: int, ranges: Ranges) -> Pixels:
    """Copy number `copy` of the picture of that digest: the same whether it is written or made when it is needed."""
    random = np.random.default_rng((seed, copy, int(sha256, 16)))
    return Augmentation.draw(random, ranges).apply(pixels)
