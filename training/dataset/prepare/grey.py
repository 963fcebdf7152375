"""Pictures that are grey: all channels equal, or only as far apart as rounding leaves them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.training.sources.pixels import three

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
