"""Measuring a detector on face packs, through the code that serves it."""

import time
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from tqdm import tqdm

from training.average_precision import average_precision, match_picture
from training.faces import FacePack
from workers.models.anchors import overlaps
from workers.models.card import ModelCard
from workers.models.detector import Boxes, Detector

#: Boxes under this score no longer move the area under the curve.
LEAST_SCORE = 0.02
SIDES = (0, 24, 48)
SIZE_STEPS = (12, 16, 24, 48, 96)
TIMED_PICTURES = 300


def detect_all(detector: Detector, faces: FacePack, score_threshold: float = LEAST_SCORE) -> list[Boxes]:
    """What the detector finds in every picture of `faces`."""
    places = tqdm(range(len(faces)), desc="detecting", unit="picture", disable=None, leave=False)
    return [detector([faces.picture(i)], score_threshold=score_threshold)[0] for i in places]


def precisions(found: list[Boxes], faces: FacePack, sides: Iterable[int] = SIDES) -> dict[str, float]:
    """AP50 over all boxes, and over those of each least side, in pixels of the picture."""
    detections = [(boxes.scores, boxes.xyxy) for boxes in found]
    truths = [faces.boxes(i) for i in range(len(faces))]
    return {f"ap50_side{side}" if side else "ap50": average_precision(detections, truths, side) for side in sides}


def evaluate_detector(detector: Detector, faces: FacePack) -> dict[str, Any]:
    """Average precision, what is found and what is made up at the card's score threshold, and milliseconds a picture."""
    found = detect_all(detector, faces)
    return {
        "n": len(faces),
        "device": detector.device,
        "faces": sum(len(faces.boxes(i)) for i in range(len(faces))),
        **precisions(found, faces),
        **working_figures(found, faces, detector.card.score_threshold),
        "recall_by_size": recall_by_size(found, faces, detector.card),
        "ms_per_picture": milliseconds(detector, faces),
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


def recall_by_size(found: list[Boxes], faces: FacePack, card: ModelCard) -> dict[str, dict[str, float]]:
    """Share of faces found at the card's score threshold, by their side in pixels of the net's input."""
    sides, hits = [], []
    for i, boxes in enumerate(found):
        truth = faces.boxes(i)
        kept = boxes.xyxy[boxes.scores >= card.score_threshold]
        scale = card.input_size / max(faces.picture(i).shape[:2])
        sides.append(np.sqrt((truth[:, 2:] - truth[:, :2]).prod(axis=1)) * scale)
        hits.append((overlaps(truth, kept) >= 0.5).any(axis=1))
    side, hit = np.concatenate(sides), np.concatenate(hits)
    figures = {}
    for low, high in pairwise((0, *SIZE_STEPS, np.inf)):
        chosen = (side >= low) & (side < high)
        name = f"{low}-{high} px" if high < np.inf else f"{low} px and more"
        figures[name] = {"faces": int(chosen.sum()), "recall": float(hit[chosen].mean()) if chosen.any() else 0.0}
    return figures


def milliseconds(detector: Detector, faces: FacePack, limit: int = TIMED_PICTURES) -> float:
    """Median milliseconds from a decoded picture to its boxes, one at a time, over `limit` pictures spread over `faces`."""
    seconds = []
    for i in np.linspace(0, len(faces) - 1, min(limit, len(faces))).astype(int):
        picture = faces.picture(int(i))
        started = time.perf_counter()
        detector([picture])
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) * 1e3
