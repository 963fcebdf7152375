"""The face detector: pictures of any size in, boxes and scores in their own pixels out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.workers.models.card import ModelCard
from ferstream.workers.models.nets.anchors import LANDMARKS, anchor_boxes, decode_boxes, decode_landmarks
from ferstream.workers.models.runtimes.runtime import Batch, Runtime

Picture = NDArray[np.uint8]  # (H, W, 3)
Float = NDArray[np.float32]

GRID = 64  # the coarsest stride: sides of the net's input are multiples of it
#: A picture scaled down further is averaged over areas; above, interpolation will do, at a fifth of the time.
ALIASES_BELOW = 0.6
#: Boxes suppressed pairwise at most, as in SSD: what a crowd of confident anchors may cost is bounded.
TOP_CANDIDATES = 400


@dataclass(frozen=True, slots=True)
class Boxes:
    """Faces of one picture, best first: `xyxy` (n, 4) in its pixels, clipped to it, and `scores` (n,).

    `landmarks` (n, 5, 2) are not a number where the net has none.
    """

    xyxy: Float
    scores: Float
    landmarks: Float


NO_BOXES = Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, LANDMARKS, 2), np.float32))


@dataclass(frozen=True, slots=True)
class _Canvas:
    """How a picture lies in the net's input: scaled by `scale` along x and y, in the top left corner of `height` x `width`."""

    height: int
    width: int
    scale: tuple[float, float]


class Detector:
    """Finds faces in a batch of pictures, whatever their sizes.

    Raises OutOfMemory, from the runtime, where a batch does not fit the device.
    """

    def __init__(self, runtime: Runtime, card: ModelCard) -> None:
        self.card = card
        self.device, self.library, self.precision = runtime.device, runtime.library, runtime.precision
        self._runtime = runtime

    def __call__(self, pictures: Sequence[Picture], score_threshold: float | None = None) -> list[Boxes]:
        """Boxes of each picture, in the order given."""
        threshold = self.card.score_threshold if score_threshold is None else score_threshold
        canvases = [_canvas(picture, self.card) for picture in pictures]
        found: list[Boxes | None] = [None] * len(pictures)

        def shape(i: int) -> tuple[int, int]:
            return canvases[i].height, canvases[i].width

        for (height, width), group in groupby(sorted(range(len(pictures)), key=shape), key=shape):
            places = list(group)
            batch = np.zeros((len(places), height, width, 3), np.uint8)
            for row, i in enumerate(places):
                _paint(batch[row], pictures[i], canvases[i].scale, self.card)
            outputs = self._runtime(batch)
            anchors = anchor_boxes(height, width, self.card.levels)
            for row, i in enumerate(places):
                found[i] = self._boxes([part[row] for part in outputs], anchors, pictures[i], canvases[i], threshold)
        return [boxes for boxes in found if boxes is not None]

    def _boxes(self, outputs: list[Float], anchors: Float, picture: Picture, canvas: _Canvas, threshold: float) -> Boxes:
        logits, offsets, *landmarks = outputs
        candidates = np.flatnonzero(logits >= logit(threshold))
        if len(candidates) > TOP_CANDIDATES:
            candidates = candidates[np.argpartition(-logits[candidates], TOP_CANDIDATES)[:TOP_CANDIDATES]]
        if not len(candidates):
            return NO_BOXES
        scores = sigmoid(logits[candidates])
        scale = np.asarray(canvas.scale, np.float32)
        xyxy = decode_boxes(offsets[candidates], anchors[candidates]) / np.tile(scale, 2)
        xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
        # Before boxes are clipped, as in SSD: of a close-up, what is left of two boxes in the frame differs more than they do.
        kept = np.asarray(cv2.dnn.NMSBoxes(xywh.tolist(), scores.tolist(), threshold, self.card.iou_threshold), int)
        height, width = picture.shape[:2]
        np.clip(xyxy, 0, [width, height, width, height], out=xyxy)
        size = xyxy[kept, 2:] - xyxy[kept, :2]
        kept = kept[(size >= 1).all(axis=1)]  # a box that lies outside the frame has no side left
        if landmarks:
            points = decode_landmarks(landmarks[0][candidates[kept]], anchors[candidates[kept]]) / scale
        else:
            points = np.full((len(kept), LANDMARKS, 2), np.nan, np.float32)
        return Boxes(xyxy[kept], scores[kept], points)


def sigmoid(logits: Float) -> Float:
    """Logits as probabilities; the clip keeps an overflow out of exp."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), np.float32)


def logit(probability: float) -> float:
    """What `sigmoid` turns into `probability`: without end for 0 and 1."""
    return math.log(probability / (1 - probability)) if 0 < probability < 1 else math.copysign(math.inf, probability - 0.5)


def _canvas(picture: Picture, card: ModelCard) -> _Canvas:
    height, width = picture.shape[:2]
    if card.resize == "stretch":
        return _Canvas(card.input_size, card.input_size, (card.input_size / width, card.input_size / height))
    scale = card.input_size / max(height, width)
    return _Canvas(_grid(height * scale), _grid(width * scale), (scale, scale))


def _grid(side: float) -> int:
    """`side` rounded up to the grid, so that a picture of 16:9 costs three fifths of a square one."""
    return max(GRID, int(np.ceil(round(side) / GRID)) * GRID)


def _paint(canvas: Batch, picture: Picture, scale: tuple[float, float], card: ModelCard) -> None:
    width, height = (max(1, round(side * along)) for side, along in zip(picture.shape[1::-1], scale, strict=True))
    # Nets that take a stretched picture were trained on, and are used with, OpenCV's default.
    averages = scale[0] < ALIASES_BELOW and card.resize == "fit"
    interpolation = cv2.INTER_AREA if averages else cv2.INTER_LINEAR
    cv2.resize(picture, (width, height), dst=canvas[:height, :width], interpolation=interpolation)
