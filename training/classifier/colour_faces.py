"""Real faces in colour, cut from the face packs as a worker would cut them: what the classifier meets in service, unlabelled."""

import numpy as np
from numpy.typing import NDArray

from ferstream.training.detector.face_pack import FacePack
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.models.nets.anchors import box_sides

#: Smaller faces show too little at the classifier's size.
LEAST_SIDE = 32.0


def cut_faces(faces: FacePack, size: int, margin: float) -> NDArray[np.uint8]:
    """Crops (n, size, size, 3) of the faces that nothing covers, around their labelled boxes; it may be none."""
    crops = []
    for i in range(len(faces)):
        boxes = faces.boxes(i)
        chosen = boxes[(box_sides(boxes) >= LEAST_SIDE) & ~faces.occluded(i)]
        if len(chosen):
            picture = faces.picture(i)
            crops += [square_crop(picture, box, size, margin) for box in chosen]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
