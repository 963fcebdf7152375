"""Pictures made smaller at little cost."""

import cv2
import numpy as np

from ferstream.workers.models.detector import Picture


def shrunk(picture: Picture, width: int, height: int) -> Picture:
    """The picture with `width` x `height` pixels, fewer than it has.

    Halved until less than a half is left to go: the mean of two by two pixels takes OpenCV a fraction of that of odd areas.
    """
    high, wide = picture.shape[:2]
    while high >= 2 * height or wide >= 2 * width:
        high, wide = max(height, high // 2), max(width, wide // 2)
        picture = _resized(picture, wide, high)
    return picture if (high, wide) == (height, width) else _resized(picture, width, height)


def _resized(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
