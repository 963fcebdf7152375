"""Average precision of a face detector at IoU 0.5, by the rule that the data's README states."""

import numpy as np
from numpy.typing import NDArray

from workers.models.anchors import overlaps

Float = NDArray[np.float32]


def match_picture(scores: Float, boxes: Float, truth: Float, min_side: float = 0.0) -> tuple[list[float], list[bool], int]:
    """Scores and hits of one picture's counted detections, best first, and its number of counted faces.

    `scores` (n,), `boxes` and `truth` xyxy (n, 4) and (m, 4). Each detection takes the free box of the highest IoU,
    if that is 0.5 or more.
    """
    ignored = _sides(truth) < min_side
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
        elif _sides(boxes[i : i + 1])[0] < min_side:
            continue
        else:
            hit = False
        kept_scores.append(float(scores[i]))
        hits.append(hit)
    return kept_scores, hits, int((~ignored).sum())


def _sides(boxes: Float) -> Float:
    return np.asarray(np.sqrt(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)), np.float32)


def average_precision(detections: list[tuple[Float, Float]], truths: list[Float], min_side: float = 0.0) -> float:
    """AP at IoU 0.5 over all points of the precision envelope.

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
    if not faces or not scores:
        return 0.0
    order = np.argsort(-np.array(scores), kind="stable")
    true_positives = np.cumsum(np.array(hits)[order])
    recall = np.concatenate([[0.0], true_positives / faces])
    precision = true_positives / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * envelope).sum())
