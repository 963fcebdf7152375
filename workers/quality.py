"""How much of a face there was to see."""

import cv2
import numpy as np
from numpy.typing import NDArray

#: Variance of the Laplacian at which a 48 px crop is as sharp as it is blurred: half quality.
HALF_SHARPNESS = 60.0


def face_quality(crop: NDArray[np.uint8], side_px: float) -> float:
    """Quality 0..1 of a face from its crop (size, size, 3) and the side of its box in pixels of the decoded frame.

    Size counts up to the crop's own; sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return float(min(1.0, side_px / crop.shape[0])) * sharpness / (sharpness + HALF_SHARPNESS)
