"""Anchor boxes of the single-shot detector: where they lie, and how boxes are written relative to them."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Centre and size variances of SSD (Liu et al. 2016, https://arxiv.org/abs/1512.02325): offsets of about unit variance.
CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2
#: Right eye, left eye, nose, right and left corner of the mouth, as the person has them.
LANDMARKS = 5

Levels = tuple[tuple[int, tuple[int, ...]], ...]  # ((stride, (side, ...)), ...)
#: Boxes of any shape, on maps of any size: ((stride, ((width, height), ...), rows and columns), ...).
Priors = tuple[tuple[float, tuple[tuple[float, float], ...], int], ...]


@cache
def anchor_boxes(height: int, width: int, levels: Levels | Priors) -> Float:
    """Anchors of an input of `height` x `width` pixels, in the order in which the net writes its outputs.

    Returns an array (anchors, 4) of centre x, centre y, width, height in input pixels; the order is level, row, column, shape.
    """
    anchors = np.concatenate([_level_boxes(height, width, *level) for level in levels]).astype(np.float32)
    anchors.setflags(write=False)  # shared by every caller through the cache
    return anchors


def _level_boxes(
    height: int, width: int, stride: float, shapes: Sequence[float | tuple[float, float]], cells: int | None = None
) -> NDArray[np.float64]:
    rows, columns = (cells, cells) if cells else (int(height // stride), int(width // stride))
    sizes = np.array([np.broadcast_to(shape, 2) for shape in shapes], float)  # (shapes, 2): a side is a square's
    y, x, shape = np.meshgrid(
        (np.arange(rows) + 0.5) * stride, (np.arange(columns) + 0.5) * stride, np.arange(len(sizes)), indexing="ij"
    )
    return np.concatenate([np.stack([x, y], axis=-1), sizes[shape]], axis=-1).reshape(-1, 4)


def encode_boxes(boxes_xyxy: Float, anchors: Float) -> Float:
    """Offsets (n, 4) that `decode_boxes` turns back into `boxes_xyxy` (n, 4), one anchor (n, 4) a box."""
    centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    size = np.maximum(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 1e-3)
    return np.concatenate(
        [
            (centre - anchors[:, :2]) / anchors[:, 2:] / CENTRE_VARIANCE,
            np.log(size / anchors[:, 2:]) / SIZE_VARIANCE,
        ],
        axis=1,
    ).astype(np.float32)


def decode_boxes(offsets: Float, anchors: Float) -> Float:
    """Boxes xyxy (n, 4) in input pixels from the net's offsets (n, 4) and their anchors (n, 4)."""
    centre = anchors[:, :2] + offsets[:, :2] * CENTRE_VARIANCE * anchors[:, 2:]
    # The clip keeps an overflow out of exp; e^4 = 55 times an anchor is larger than any input.
    half = anchors[:, 2:] * np.exp(np.clip(offsets[:, 2:] * SIZE_VARIANCE, -4, 4)) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def encode_landmarks(landmarks: Float, anchors: Float) -> Float:
    """Offsets (n, 10) that `decode_landmarks` turns back into `landmarks` (n, 5, 2), one anchor (n, 4) a face."""
    offsets = (landmarks - anchors[:, None, :2]) / anchors[:, None, 2:] / CENTRE_VARIANCE
    return np.asarray(offsets.reshape(len(anchors), 2 * LANDMARKS), np.float32)


def decode_landmarks(offsets: Float, anchors: Float) -> Float:
    """Landmarks (n, 5, 2) in input pixels from the net's offsets (n, 10) and their anchors (n, 4)."""
    points = offsets.reshape(len(anchors), LANDMARKS, 2) * CENTRE_VARIANCE * anchors[:, None, 2:] + anchors[:, None, :2]
    return np.asarray(points, np.float32)


def box_sides(boxes_xyxy: Float) -> Float:
    """Square roots of the areas (n,) of boxes (n, 4); 0 for one that is turned inside out."""
    return np.asarray(np.sqrt(np.clip(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0, None).prod(axis=1)), np.float32)


def overlaps(a_xyxy: Float, b_xyxy: Float) -> Float:
    """Intersection over union (len(a), len(b)) of every box of `a_xyxy` with every box of `b_xyxy`."""
    top_left = np.maximum(a_xyxy[:, None, :2], b_xyxy[None, :, :2])
    bottom_right = np.minimum(a_xyxy[:, None, 2:], b_xyxy[None, :, 2:])
    intersection = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    area_a = (a_xyxy[:, 2:] - a_xyxy[:, :2]).prod(axis=1)
    area_b = (b_xyxy[:, 2:] - b_xyxy[:, :2]).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - intersection
    return np.asarray(intersection / np.maximum(union, 1e-9), np.float32)
