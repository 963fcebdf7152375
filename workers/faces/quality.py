"""How much of a face there was to see."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

#: Variance of the Laplacian at which a 48 px crop is as sharp as it is blurred: half quality.
HALF_SHARPNESS = 60.0


def face_quality(crop: NDArray[np.uint8], side_px: float, score: float, landmarks: NDArray[np.float32]) -> float:
    """Quality 0..1 of a face: size, times sharpness, times how far it faces the camera, times the detector's `score`.

    `crop` (size, size, 3), `side_px` the side of its box in pixels of the decoded frame, `landmarks` (5, 2). Size counts up to
    the crop's own; sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000,
    https://doi.org/10.1109/ICPR.2000.903548).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    size = min(1.0, side_px / int(crop.shape[0]))
    return size * sharpness / (sharpness + HALF_SHARPNESS) * frontality(landmarks) * score


def frontality(landmarks: NDArray[np.float32]) -> float:
    """The cosine of the head's turn to the side: 1 facing the camera, 0 in profile; 1 where nobody knows the landmarks.

    The tip of a nose stands out from between the eyes by about half of their distance, so its place on the line from eye to
    eye, 0.5 when frontal, gives the tangent of the turn.
    """
    right, left, nose = landmarks[:3].astype(float)
    across = left - right
    length = float(across @ across)
    if not length > 0:  # also where they are not numbers
        return 1.0
    tangent = 2 * float((nose - right) @ across) / length - 1
    return 1 / math.hypot(1, tangent)
