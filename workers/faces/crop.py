"""Cutting a face out of a frame: the box grown to a square on its longer side, clipped, and resized for the classifier."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Float = NDArray[np.float32]


def square_crop(picture: Picture, box_xyxy: Float, size: int, margin: float, out: Picture | None = None) -> Picture:
    """The face in `box_xyxy` as a (size, size, 3) picture, written into `out` where it is given.

    The square is centred on the box, as wide as its longer side times 1 + `margin`. Where it leaves the frame its border
    pixels are repeated, so that a face at the edge keeps its proportions.
    """
    side = max(1.0, float(max(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1])) * (1 + margin))
    left, top = (box_xyxy[:2] + box_xyxy[2:]) / 2 - side / 2
    x0, y0 = round(float(left)), round(float(top))
    x1, y1 = x0 + max(1, round(side)), y0 + max(1, round(side))
    height, width = picture.shape[:2]
    cut = picture[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
    if cut.shape[0] != y1 - y0 or cut.shape[1] != x1 - x0:
        cut = cv2.copyMakeBorder(cut, max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width), cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    shrinks = cut.shape[0] > size
    return cv2.resize(cut, (size, size), dst=out, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[return-value]
