"""Matching anchors to the faces of a view: which anchor is asked for which face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferstream.training.detector.face_labels import FaceLabels
from ferstream.workers.models.nets.anchors import LANDMARKS, Levels, anchor_boxes, encode_boxes, encode_landmarks, overlaps

Float = NDArray[np.float32]

#: A face below this side, in pixels of the net's input, is neither asked for nor held against the net.
SMALLEST_SIDE = 6.0
NEGATIVE, IGNORED = 0.0, -1.0


@dataclass(frozen=True, slots=True)
class Targets:
    """What every anchor of a view should answer: `objectness` (A,) is 1 for a face, 0 for none, -1 for neither.

    `offsets` (A, 4) and `landmarks` (A, 10), not a number where unknown, count where objectness is 1.
    """

    objectness: Float
    offsets: Float
    landmarks: Float


def match(labels: FaceLabels, size: int, levels: Levels) -> Targets:
    """An anchor is a face's at IoU 0.35 or more; the best anchor of every face is its own whatever the overlap."""
    anchors = anchor_boxes(size, size, levels)
    objectness = np.full(len(anchors), NEGATIVE, np.float32)
    targets = Targets(objectness, *(np.zeros((len(anchors), n), np.float32) for n in (4, 2 * LANDMARKS)))
    if not len(labels):
        return targets
    half = anchors[:, 2:] / 2
    iou = overlaps(np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], 1), labels.boxes)  # (A, faces)
    asked = (labels.sides() >= SMALLEST_SIDE) & ~labels.ignored
    best_iou, best_face = iou.max(axis=1), iou.argmax(axis=1)
    chosen = best_iou >= 0.35
    for face in np.flatnonzero(asked):
        anchor = iou[:, face].argmax()
        chosen[anchor], best_face[anchor] = True, face
    positive = chosen & asked[best_face]
    objectness[(best_iou >= 0.25) & ~positive] = IGNORED
    objectness[iou[:, labels.ignored].argmax(axis=0)] = IGNORED
    small = labels.boxes[~asked & (labels.sides() < SMALLEST_SIDE)]
    if len(small):  # anchors whose centre lies near a face too small to ask for
        centre = (small[:, :2] + small[:, 2:]) / 2
        near = np.abs(anchors[:, None, :2] - centre[None]).max(axis=2) < SMALLEST_SIDE
        objectness[near.any(axis=1) & ~positive] = IGNORED
    objectness[positive] = 1.0
    faces = best_face[positive]
    targets.offsets[positive] = encode_boxes(labels.boxes[faces], anchors[positive])
    targets.landmarks[positive] = encode_landmarks(labels.landmarks[faces], anchors[positive])
    return targets
