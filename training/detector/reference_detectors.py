"""Reference detectors that are measured beside ours: OpenCV's SSD and YuNet, both through OpenCV."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.training.common.dataset_names import DATA_FOLDER
from ferstream.training.detector.yunet_teacher import YuNet
from ferstream.training.opencv_ssd.layers import MEAN, SIDE
from ferstream.workers.models.card import ModelError
from ferstream.workers.models.detector import Boxes
from ferstream.workers.models.nets.anchors import LANDMARKS

Picture = NDArray[np.uint8]  # (H, W, 3) RGB

ReferenceName = Literal["opencv-ssd", "yunet"]
REFERENCES: tuple[ReferenceName, ...] = get_args(ReferenceName)
YUNET = "yunet_n_dynamic.onnx"
OPENCV_SSD = ("opencv_face_detector_uint8.pb", "opencv_face_detector.pbtxt")
YUNET_LONG_SIDE = 320


@dataclass(frozen=True, slots=True)
class Reference:
    """A detector that is not ours; `find` takes a picture and the least score."""

    name: str
    score_threshold: float
    find: Callable[[Picture, float], Boxes]


def open_reference(name: ReferenceName, threads: int = 1) -> Reference:
    """One of `REFERENCES`, from the folder of models in the data folder. Raises ModelError where its files are missing."""
    cv2.setNumThreads(threads)
    if name == "yunet":
        net = YuNet(model_file(YUNET), YUNET_LONG_SIDE)
        return Reference(f"YuNet, long side {YUNET_LONG_SIDE}", 0.6, net)
    return Reference("OpenCV SSD 300", 0.5, OpenCvSsd(*(model_file(file) for file in OPENCV_SSD)))


def model_file(name: str) -> Path:
    """The file of that name in the data folder or its folder `models`. Raises ModelError."""
    folder = os.environ.get(DATA_FOLDER)
    for path in (Path(folder, "models", name), Path(folder, name)) if folder else ():
        if path.exists():
            return path
    raise ModelError(f"no {name}: set {DATA_FOLDER} to the folder that holds it, or holds models/{name}")


class OpenCvSsd:
    """The ResNet-10 SSD of OpenCV's face detection sample, as its users call it: 300x300, warped."""

    def __init__(self, weights: Path, graph: Path) -> None:
        try:
            self._net = cv2.dnn.readNet(str(weights), str(graph))
        except cv2.error as error:
            raise ModelError(f"{weights} is no net that OpenCV reads: {str(error).strip().splitlines()[0]}") from error

    def __call__(self, picture: Picture, least_score: float) -> Boxes:
        height, width = picture.shape[:2]
        blob = cv2.dnn.blobFromImage(cv2.resize(picture, (SIDE, SIDE)), 1.0, (SIDE, SIDE), MEAN, swapRB=True)
        self._net.setInput(blob)
        rows = self._net.forward()[0, 0]  # picture, class, score, x0, y0, x1, y1 in 0..1
        rows = rows[rows[:, 2] >= least_score]
        xyxy = np.clip(rows[:, 3:7], 0, 1) * np.array([width, height] * 2, np.float32)
        rows, xyxy = rows[(xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)], xyxy[(xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)]
        return Boxes(xyxy, rows[:, 2], np.full((len(rows), LANDMARKS, 2), np.nan, np.float32))
