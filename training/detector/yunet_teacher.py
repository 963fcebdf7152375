"""YuNet as a teacher: landmarks of labelled faces, and faces without a label, which are ignored in training.

YuNet: Wu et al. 2023, https://doi.org/10.1007/s11633-023-1423-y, as OpenCV's FaceDetectorYN.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ferstream.streams.service.atomic_file import whole_file
from ferstream.training.detector.face_labels import FaceLabels
from ferstream.training.detector.face_pack import FacePack
from ferstream.workers.models.card import ModelError
from ferstream.workers.models.detector import Boxes
from ferstream.workers.models.nets.anchors import LANDMARKS, box_sides, overlaps

Picture = NDArray[np.uint8]
Float = NDArray[np.float32]

LONG_SIDE = 640
#: Faces that the teacher gives a lower score are taken for mistakes where no label has them.
SURE = 0.6
SMALLEST_SIDE = 10.0


class YuNet:
    """Faces of a picture (H, W, 3) RGB, scaled to `long_side`. Raises ModelError where `path` is no such net."""

    def __init__(self, path: Path, long_side: int, iou_threshold: float = 0.45) -> None:
        try:
            self._net = cv2.FaceDetectorYN.create(str(path), "", (long_side, long_side), SURE, iou_threshold, 5000)
        except cv2.error as error:
            raise ModelError(f"{path} is no YuNet that OpenCV reads: {str(error).strip().splitlines()[0]}") from error
        self._long_side = long_side

    def __call__(self, picture: Picture, least_score: float = SURE) -> Boxes:
        scale = self._long_side / max(picture.shape[:2])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
        bgr = cv2.cvtColor(cv2.resize(picture, size, interpolation=interpolation), cv2.COLOR_RGB2BGR)
        self._net.setInputSize(bgr.shape[1::-1])
        self._net.setScoreThreshold(least_score)
        found = self._net.detect(bgr)[1]  # x, y, width, height, five landmarks, score
        rows: Float = np.zeros((0, 15), np.float32) if found is None else np.asarray(found, np.float32)
        xyxy = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], 1) / scale
        return Boxes(xyxy.astype(np.float32), rows[:, 14], rows[:, 4:14].reshape(-1, LANDMARKS, 2) / np.float32(scale))


def taught_labels(faces: FacePack, teacher: Path | None, cache: Path) -> list[FaceLabels]:
    """The labels of every picture, with what the `teacher` adds; what it found is kept in `cache`."""
    labels = [FaceLabels.of(faces.boxes(i)) for i in range(len(faces))]
    if teacher is None:
        return labels
    if cache.exists():
        with np.load(cache, allow_pickle=False) as kept:
            rows, counts = kept["rows"], kept["counts"]
    else:
        rows, counts = _found(faces, YuNet(teacher, LONG_SIDE))
        with whole_file(cache) as file:
            np.savez_compressed(file, rows=rows, counts=counts)
    return [taught(own, found) for own, found in zip(labels, np.split(rows, np.cumsum(counts)[:-1]), strict=True)]


def _found(faces: FacePack, teacher: YuNet) -> tuple[Float, NDArray[np.int64]]:
    found = [teacher(faces.picture(i)) for i in tqdm(range(len(faces)), desc="asking the teacher", unit="picture", disable=None)]
    rows = [np.concatenate([boxes.xyxy, boxes.landmarks.reshape(-1, 2 * LANDMARKS)], 1) for boxes in found]
    return np.concatenate(rows).astype(np.float32), np.array([len(part) for part in rows], np.int64)


def taught(own: FaceLabels, found: Float) -> FaceLabels:
    """Labels with the landmarks of what was `found` (n, 14: box, landmarks) there; a face that only the teacher sees is ignored.

    In a picture labelled as without faces the label is believed.
    """
    if not len(own) or not len(found):
        return own
    iou = overlaps(own.boxes, found[:, :4])
    landmarks = found[:, 4:].reshape(-1, LANDMARKS, 2)
    own.landmarks[:] = np.where((iou.max(axis=1) >= 0.5)[:, None, None], landmarks[iou.argmax(axis=1)], np.nan)
    alone = (iou.max(axis=0) < 0.35) & (box_sides(found[:, :4]) >= SMALLEST_SIDE)
    return FaceLabels.joined([own, FaceLabels(found[alone, :4], landmarks[alone], np.ones(int(alone.sum()), bool))])
