"""Average precision of a face detector at IoU 0.5, by the rule that the data's README states."""

import numpy as np
from numpy.typing import NDArray

from ferstream.workers.models.nets.anchors import box_sides, overlaps

Float = NDArray[np.float32]


def match_picture(scores: Float, boxes: Float, truth: Float, min_side: float = 0.0) -> tuple[list[float], list[bool], int]:
    """Scores and hits of one picture's counted detections, best first, and its number of counted faces.

    `scores` (n,), `boxes` and `truth` xyxy (n, 4) and (m, 4). Each detection takes the free box of the highest IoU,
    if that is 0.5 or more.
    """
    ignored = box_sides(truth) < min_side
    free = np.ones(len(truth), bool)
    iou = overlaps(boxes, truth)
    kept_scores, hits = [], []
    for i in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, iou[i], 0) if len(truth) else np.zeros(0)
        best = int(candidates.argmax()) if len(truth) else -1
        if best >= 0 and candidates[best] >= 0.5:
            free[best] = False
            if ignored[best]:
                continue
            hit = True
        elif box_sides(boxes[i : i + 1])[0] < min_side:
            continue
        else:
            hit = False
        kept_scores.append(float(scores[i]))
        hits.append(hit)
    return kept_scores, hits, int((~ignored).sum())


def precision_over_recall(
    detections: list[tuple[Float, Float]], truths: list[Float], min_side: float = 0.0
) -> tuple[Float, Float]:
    """Recall (n,) and the envelope of precision (n,) over it at IoU 0.5, a point a detection, best score first.

    `detections`: a picture's (scores (n,), boxes xyxy (n, 4)); `truths`: a picture's boxes (m, 4), in pixels of the picture.
    Boxes with a side under `min_side` are ignored: matching one counts neither way, and an unmatched detection that
    small is dropped.
    """
    scores: list[float] = []
    hits: list[bool] = []
    faces = 0
    for (picture_scores, boxes), truth in zip(detections, truths, strict=True):
        picture_kept, picture_hits, counted = match_picture(picture_scores, boxes, truth, min_side)
        scores += picture_kept
        hits += picture_hits
        faces += counted
    order = np.argsort(-np.array(scores), kind="stable")
    true_positives = np.cumsum(np.array(hits, float)[order])
    precision = true_positives / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return np.asarray(true_positives / max(1, faces), np.float32), np.asarray(envelope, np.float32)


def average_precision(detections: list[tuple[Float, Float]], truths: list[Float], min_side: float = 0.0) -> float:
    """AP at IoU 0.5 over all points of `precision_over_recall`."""
    recall, envelope = precision_over_recall(detections, truths, min_side)
    return float((np.diff(recall, prepend=0) * envelope).sum())
