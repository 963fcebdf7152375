"""Measures detectors on face packs: ours through the code that serves it, others on the same pictures."""

import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ferstream.training.detector.face_pack import FacePack
from ferstream.training.measures.average_precision import average_precision, match_picture
from ferstream.workers.models.detector import Boxes, Detector
from ferstream.workers.models.nets.anchors import box_sides, overlaps

#: Takes a picture (H, W, 3) RGB and the least score.
Find = Callable[[NDArray[np.uint8], float], Boxes]

#: Boxes under this score no longer move the area under the curve.
LEAST_SCORE = 0.02
SIDES = (0, 24, 48)
SIZE_STEPS = (12, 16, 24, 48, 96)
#: Long side to which a picture is scaled before its faces are sorted by size.
SIZED_AT = 320
TIMED_PICTURES = 300


def finder(detector: Detector) -> Find:
    """A function that finds the faces of one picture with our detector."""
    return lambda picture, least_score: detector([picture], score_threshold=least_score)[0]


def detect_all(find: Find, faces: FacePack, least_score: float = LEAST_SCORE) -> list[Boxes]:
    """Scores and boxes that a detector finds in every picture of `faces`."""
    places = tqdm(range(len(faces)), desc="detecting", unit="picture", disable=None, leave=False)
    return [find(faces.picture(i), least_score) for i in places]


def precisions(found: list[Boxes], faces: FacePack, sides: Iterable[int] = SIDES) -> dict[str, float]:
    """AP50 over all boxes, and over those of each least side, in pixels of the picture."""
    detections = [(boxes.scores, boxes.xyxy) for boxes in found]
    truths = [faces.boxes(i) for i in range(len(faces))]
    return {f"ap50_side{side}" if side else "ap50": average_precision(detections, truths, side) for side in sides}


def evaluate_detector(find: Find, faces: FacePack, score_threshold: float, found: list[Boxes] | None = None) -> dict[str, Any]:
    """Average precision, what is found and what is made up at the score threshold, and milliseconds a picture.

    `found` is what `detect_all` finds, where it was called before.
    """
    found = detect_all(find, faces) if found is None else found
    return {
        "n": len(faces),
        "faces": sum(len(faces.boxes(i)) for i in range(len(faces))),
        **precisions(found, faces),
        **working_figures(found, faces, score_threshold),
        "ms_per_picture": milliseconds(find, faces, score_threshold),
        "recall_by_size": recall_by_size(found, faces, score_threshold),
    }


def working_figures(found: list[Boxes], faces: FacePack, threshold: float) -> dict[str, float]:
    """Recall and precision of the boxes that score `threshold` or more, and how many of them a picture without a face gets."""
    hits = answered = wanted = hits_large = wanted_large = 0
    faceless: list[int] = []
    for i, boxes in enumerate(found):
        kept, truth = boxes.scores >= threshold, faces.boxes(i)
        _, right, count = match_picture(boxes.scores[kept], boxes.xyxy[kept], truth)
        hits, answered, wanted = hits + sum(right), answered + len(right), wanted + count
        _, right, count = match_picture(boxes.scores[kept], boxes.xyxy[kept], truth, 24)
        hits_large, wanted_large = hits_large + sum(right), wanted_large + count
        if not len(truth):
            faceless.append(int(kept.sum()))
    return {
        "score_threshold": threshold,
        "recall": hits / max(1, wanted),
        "recall_side24": hits_large / max(1, wanted_large),
        "precision": hits / max(1, answered),
        "faceless_pictures": len(faceless),
        "false_positives_per_faceless_picture": sum(faceless) / max(1, len(faceless)),
    }


def recall_by_size(found: list[Boxes], faces: FacePack, threshold: float) -> dict[str, dict[str, float]]:
    """Share of faces found at the threshold, by their side in pixels of the picture scaled to a long side of 320."""
    sides, hits = [], []
    for i, boxes in enumerate(found):
        truth = faces.boxes(i)
        kept = boxes.xyxy[boxes.scores >= threshold]
        sides.append(box_sides(truth) * SIZED_AT / faces.long_side(i))
        hits.append((overlaps(truth, kept) >= 0.5).any(axis=1))
    side, hit = np.concatenate(sides), np.concatenate(hits)
    figures = {}
    for low, high in pairwise((0, *SIZE_STEPS, np.inf)):
        chosen = (side >= low) & (side < high)
        name = f"{low}-{high} px" if high < np.inf else f"{low} px and more"
        figures[name] = {"faces": int(chosen.sum()), "recall": float(hit[chosen].mean()) if chosen.any() else 0.0}
    return figures


def milliseconds(find: Find, faces: FacePack, score_threshold: float, limit: int = TIMED_PICTURES) -> float:
    """Median milliseconds from a decoded picture to its boxes, one at a time, over `limit` pictures spread over `faces`."""
    seconds = []
    for i in np.linspace(0, len(faces) - 1, min(limit, len(faces))).astype(int):
        picture = faces.picture(int(i))
        started = time.perf_counter()
        find(picture, score_threshold)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) * 1e3
