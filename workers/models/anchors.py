"""Anchor boxes of the single-shot detector: where they lie, and how boxes are written relative to them."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Centre and size variances of SSD (Liu et al. 2016, https://arxiv.org/abs/1512.02325): offsets of about unit variance.
CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2

Levels = tuple[tuple[int, tuple[int, ...]], ...]  # ((stride, (side, ...)), ...)


@cache
def anchor_boxes(height: int, width: int, levels: Levels) -> Float:
    """Square anchors of an input of `height` x `width` pixels, in the order in which the net writes its outputs.

    Returns an array (anchors, 4) of centre x, centre y, width, height in input pixels; the order is level, row, column, side.
    """
    blocks = []
    for stride, sides in levels:
        rows, columns = height // stride, width // stride
        y, x, side = np.meshgrid(
            (np.arange(rows) + 0.5) * stride, (np.arange(columns) + 0.5) * stride, np.array(sides, float), indexing="ij"
        )
        blocks.append(np.stack([x, y, side, side], axis=-1).reshape(-1, 4))
    anchors = np.concatenate(blocks).astype(np.float32)
    anchors.setflags(write=False)  # shared by every caller through the cache
    return anchors


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


def overlaps(a_xyxy: Float, b_xyxy: Float) -> Float:
    """Intersection over union (len(a), len(b)) of every box of `a_xyxy` with every box of `b_xyxy`."""
    top_left = np.maximum(a_xyxy[:, None, :2], b_xyxy[None, :, :2])
    bottom_right = np.minimum(a_xyxy[:, None, 2:], b_xyxy[None, :, 2:])
    intersection = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    area_a = (a_xyxy[:, 2:] - a_xyxy[:, :2]).prod(axis=1)
    area_b = (b_xyxy[:, 2:] - b_xyxy[:, :2]).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - intersection
    return np.asarray(intersection / np.maximum(union, 1e-9), np.float32)


def as_levels(pairs: Sequence[Sequence[object]]) -> Levels:
    """`Levels` from the nested lists that a card's JSON holds."""
    return tuple((int(stride), tuple(int(side) for side in sides)) for stride, sides in pairs)  # type: ignore[call-overload, attr-defined]
