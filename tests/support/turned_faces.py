"""Faces whose pose is known: five points in space turned by given angles, and portraits turned in their plane."""

import cv2
import numpy as np
from matplotlib import cbook
from numpy.typing import NDArray
from skimage import data

from ferstream.workers.faces.crop import GENERIC_FACE

#: Distance of the eyes of a projected face, in pixels.
EYES_PX = 60.0
#: A camera about two metres away, in the generic face's millimetres.
DISTANCE_MM = 2000.0


def portraits() -> dict[str, NDArray[np.uint8]]:
    """Two photographs of one face each, upright."""
    hopper = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    return {"astronaut": data.astronaut(), "grace_hopper": np.asarray(cv2.cvtColor(hopper, cv2.COLOR_BGR2RGB), np.uint8)}


def turned_picture(picture: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """The picture turned clockwise about its middle."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """The rotation (3, 3) that HeadPose's angles name, in degrees: x to the right, y down, z away from the camera."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.radians([yaw, pitch, roll])), np.sin(np.radians([yaw, pitch, roll]))
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    return np.asarray(about_z @ about_y @ about_x)


def projected(yaw: float, pitch: float, roll: float, face: NDArray[np.float64] = GENERIC_FACE) -> NDArray[np.float64]:
    """Landmarks (5, 2) of a face turned so, as a camera sees it."""
    x, y, z = (face @ rotation(yaw, pitch, roll).T).T
    scale = EYES_PX / 63 / (1 + z / DISTANCE_MM)
    return np.stack([x * scale, y * scale], axis=1) + 200
