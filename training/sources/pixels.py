"""Pixels of a decoded picture as eight-bit RGB, and whether they are grey."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's Orientation
_ORIENTATION = 0x0112


def has_range(image: Image.Image) -> bool:
    """Whether the mode says which value is white: 32 bits and floats do not, except mode I of a PPM, which has 16 bits."""
    return image.mode not in ("I", "F") or (image.mode == "I" and image.format == "PPM")


def rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) uint8 of an image of any mode that has a range."""
    if image.mode.startswith("I"):
        return three(((np.asarray(image).astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8))
    if image.mode == "L" and "transparency" not in image.info:
        return three(np.asarray(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return np.array(image.convert("RGB"))


def three(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey (H, W) as three equal channels (H, W, 3)."""
    return np.repeat(grey[..., None], 3, axis=2)


def orientation(image: Image.Image) -> int:
    """EXIF's Orientation, 1 to 8; 1 where there is none."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - EXIF that cannot be read says nothing, and the picture is taken as it is stored
        return 1


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels turned as EXIF's `orientation` says."""
    if orientation not in _UPRIGHT:
        return pixels
    return np.array(Image.fromarray(pixels).transpose(_UPRIGHT[orientation]))


#: Of 255, by which the channels of a grey picture differ that was compressed as colour.
ROUNDING = 2


def with_equal_channels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Grey pixels (H, W, 3) with channels that are equal, the very same where they were; None where they have colour."""
    if np.ptp(pixels[0], axis=1).max() > ROUNDING:  # one line of it tells that most pictures of colour are not
        return None
    apart = _apart(pixels)
    if apart > ROUNDING:
        return None
    return pixels if apart == 0 else three(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8))


def _apart(pixels: NDArray[np.uint8]) -> int:
    """The largest difference between two channels of a pixel of RGB (H, W, 3)."""
    red, green, blue = cv2.split(pixels)
    return max(int(cv2.absdiff(one, other).max()) for one, other in ((red, green), (green, blue), (red, blue)))
