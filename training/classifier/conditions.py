"""Robustness: accuracy on faces that are made smaller, darker, brighter or turned."""

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.training.classifier.evaluate import crops_of, logits_of_crops
from ferstream.training.measures.metrics import accuracy
from ferstream.workers.faces.crop import face_quality
from ferstream.workers.models.classifier import Classifier

Face = NDArray[np.uint8]  # (H, W), grey
Float = NDArray[np.float32]

SIDES = (96, 48, 36, 24, 16, 12)
BRIGHTNESS = (0.15, 0.3, 0.6, 1.0, 1.6, 2.5)
DEGREES = (-45, -30, -20, -10, 0, 10, 20, 30, 45)


def resized(side: int) -> Callable[[Face], Face]:
    """A face as a camera sees it whose box has so many pixels; from 48 px, larger ones gain none."""

    def change(face: Face) -> Face:
        shrinks = side < face.shape[0]
        return np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), np.uint8)

    return change


def lit(gain: float) -> Callable[[Face], Face]:
    """A face with `gain` times the light, cut off at white, and the noise of a sensor in the dark."""

    def change(face: Face) -> Face:
        noise = np.random.default_rng(0).normal(0, 4, face.shape) if gain < 1 else 0
        return (face * gain + noise).clip(0, 255).astype(np.uint8)

    return change


def turned(degrees: float) -> Callable[[Face], Face]:
    """A face turned in the plane of the picture; what turns in repeats the border."""

    def change(face: Face) -> Face:
        side = face.shape[0]
        matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
        return np.asarray(cv2.warpAffine(face, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)

    return change


def conditions() -> Iterator[tuple[str, str, Callable[[Face], Face]]]:
    """Kind, name and function of every condition that faces are measured under."""
    for side in SIDES:
        yield "by_size", f"{side} px", resized(side)
    for gain in BRIGHTNESS:
        yield "by_brightness", f"x {gain:g}", lit(gain)
    for degrees in DEGREES:
        yield "by_rotation", f"{degrees:+d} degrees" if degrees else "upright", turned(degrees)


def by_condition(classifier: Classifier, faces: NDArray[np.uint8], labels: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    """Accuracy, and mean quality, of the same faces (N, H, W) under every condition."""
    figures: dict[str, dict[str, Any]] = {}
    for kind, name, change in conditions():
        logits, qualities = answered(classifier, faces, change)
        figures.setdefault(kind, {})[name] = {"accuracy": accuracy(logits, labels), "quality": float(qualities.mean())}
    return figures


def answered(classifier: Classifier, faces: NDArray[np.uint8], change: Callable[[Face], Face]) -> tuple[Float, Float]:
    """Logits (N, labels) and qualities (N,) of changed faces, cut as a worker cuts them."""
    changed = np.stack([change(face) for face in faces])
    crops = crops_of(changed, classifier.card.input_size)
    nobody = np.full((5, 2), np.nan, np.float32)
    qualities = [face_quality(crop, changed.shape[1], 1.0, nobody) for crop in crops]
    return logits_of_crops(classifier, crops), np.array(qualities, np.float32)
