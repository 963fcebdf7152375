"""The face detector: pictures of any size in, boxes and scores in their own pixels out."""

from dataclasses import dataclass
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.models.anchors import anchor_boxes, decode_boxes
from workers.models.card import ModelCard
from workers.models.runtime import Batch, Runtime

Picture = NDArray[np.uint8]  # (H, W, 3)
Float = NDArray[np.float32]

GRID = 64  # the coarsest stride: sides of the net's input are multiples of it
#: Boxes suppressed pairwise at most, as in SSD: what a crowd of confident anchors may cost is bounded.
TOP_CANDIDATES = 400


@dataclass(frozen=True, slots=True)
class Boxes:
    """Faces of one picture: `xyxy` (n, 4) in its pixels, clipped to it, and `scores` (n,), best first."""

    xyxy: Float
    scores: Float


@dataclass(frozen=True, slots=True)
class _Canvas:
    """How a picture lies in the net's input: scaled by `scale`, in the top left corner of `height` x `width`."""

    height: int
    width: int
    scale: float


class Detector:
    """Finds faces in a batch of pictures, whatever their sizes.

    Raises OutOfMemory, from the runtime, where a batch does not fit the device.
    """

    def __init__(self, runtime: Runtime, card: ModelCard) -> None:
        self.card = card
        self.device = runtime.device
        self._runtime = runtime

    def __call__(self, pictures: list[Picture], score_threshold: float | None = None) -> list[Boxes]:
        """Boxes of each picture, in the order given."""
        threshold = self.card.score_threshold if score_threshold is None else score_threshold
        canvases = [_canvas(picture, self.card.input_size) for picture in pictures]
        found: list[Boxes | None] = [None] * len(pictures)

        def shape(i: int) -> tuple[int, int]:
            return canvases[i].height, canvases[i].width

        for (height, width), group in groupby(sorted(range(len(pictures)), key=shape), key=shape):
            places = list(group)
            batch = np.zeros((len(places), height, width, 3), np.uint8)
            for row, i in enumerate(places):
                _paint(batch[row], pictures[i], canvases[i].scale)
            scores, offsets = self._runtime(batch)
            anchors = anchor_boxes(height, width, self.card.levels)
            for row, i in enumerate(places):
                found[i] = self._boxes(scores[row], offsets[row], anchors, pictures[i], canvases[i].scale, threshold)
        return [boxes for boxes in found if boxes is not None]

    def _boxes(self, scores: Float, offsets: Float, anchors: Float, picture: Picture, scale: float, threshold: float) -> Boxes:
        candidates = np.flatnonzero(scores >= threshold)
        if len(candidates) > TOP_CANDIDATES:
            candidates = candidates[np.argpartition(-scores[candidates], TOP_CANDIDATES)[:TOP_CANDIDATES]]
        if not len(candidates):
            return Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        kept_scores = scores[candidates]
        xyxy = decode_boxes(offsets[candidates], anchors[candidates]) / scale
        height, width = picture.shape[:2]
        np.clip(xyxy, 0, [width, height, width, height], out=xyxy)
        size = xyxy[:, 2:] - xyxy[:, :2]
        xywh = np.concatenate([xyxy[:, :2], size], axis=1)
        kept = np.asarray(cv2.dnn.NMSBoxes(xywh.tolist(), kept_scores.tolist(), threshold, self.card.iou_threshold), int)
        kept = kept[(size[kept] >= 1).all(axis=1)]  # a box that lies outside the frame has no side left
        return Boxes(xyxy[kept], kept_scores[kept])


def _canvas(picture: Picture, long_side: int) -> _Canvas:
    height, width = picture.shape[:2]
    scale = long_side / max(height, width)
    return _Canvas(_grid(height * scale), _grid(width * scale), scale)


def _grid(side: float) -> int:
    """`side` rounded up to the grid, so that a picture of 16:9 costs three fifths of a square one."""
    return max(GRID, int(np.ceil(round(side) / GRID)) * GRID)


def _paint(canvas: Batch, picture: Picture, scale: float) -> None:
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    shrinks = scale < 1
    cv2.resize(
        picture, (width, height), dst=canvas[:height, :width], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
