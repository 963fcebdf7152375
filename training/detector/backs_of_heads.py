"""Negatives for the detector: backs of heads, made from faces by drawing the hair above over them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.training.detector.face_labels import FaceLabels
from ferstream.workers.models.nets.anchors import overlaps

Picture = NDArray[np.uint8]

#: Smaller faces have no hair to speak of.
LEAST_SIDE = 24


def turn_away(picture: Picture, labels: FaceLabels, random: np.random.Generator) -> tuple[Picture, FaceLabels]:
    """Cover one of the picture's faces with the hair above it, and drop its label.

    Detectors take the backs of heads for faces, and packs of faces hold few of them. A picture where no face has room above it
    comes back as it is.
    """
    large = np.flatnonzero((labels.sides() >= LEAST_SIDE) & ~labels.ignored)
    hairs = {int(face): hair for face in large if (hair := _hair(picture, labels.boxes[face])) is not None}
    if not hairs:
        return picture, labels
    face = int(random.choice(list(hairs)))
    x0, y0, x1, y1 = labels.boxes[face].round().astype(int)
    width, height = x1 - x0, y1 - y0
    # From the hairline to under the chin, and over the cheeks; short hair leaves the neck free.
    box = np.array([x0 - 0.15 * width, y0 - 0.15 * height, x1 + 0.15 * width, y1 + random.uniform(-0.15, 0.1) * height])
    left, top = np.maximum(box[:2], 0).round().astype(int)
    right, bottom = np.minimum(box[2:], picture.shape[1::-1]).round().astype(int)
    hair = hairs[face][:: int(random.choice([-1, 1]))]
    cover = np.asarray(cv2.resize(hair, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC), np.float32)
    turned = picture.copy()
    view = turned[top:bottom, left:right]
    view[:] = view + _oval(view.shape[0], view.shape[1]) * (cover - view)
    rest = labels.without(face)
    covered = overlaps(rest.boxes, np.array([[left, top, right, bottom]], np.float32))[:, 0] > 0  # hair is no face
    return turned, FaceLabels(rest.boxes, rest.landmarks, rest.ignored | covered)


def _hair(picture: Picture, box: NDArray[np.float32]) -> Picture | None:
    """What lies just above the face, from a quarter of its height over its box to a tenth into it."""
    x0, y0, x1, y1 = box
    top, bottom = y0 - 0.25 * (y1 - y0), y0 + 0.08 * (y1 - y0)
    if top < 0 or x0 < 0 or x1 > picture.shape[1]:
        return None
    hair = picture[round(float(top)) : round(float(bottom)), round(float(x0)) : round(float(x1))]
    return hair if hair.size else None


def _oval(height: int, width: int) -> NDArray[np.float32]:
    """1 inside an oval that fills (height, width, 1), 0 outside, soft between."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(np.clip((1 - np.hypot(x, y)) * 6, 0, 1)[..., None], np.float32)
