"""Measures a classifier on a FER+ pack, through the code that serves it."""

import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ferstream.training.classifier.ferplus_pack import FerPlus, Protocol
from ferstream.training.measures.calibration import expected_calibration_error, fitting_half, negative_log_likelihood
from ferstream.training.measures.metrics import accuracy, class_figures, confusion_matrix, interval, macro_f1
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.models.classifier import Classifier, softmax

Crops = NDArray[np.uint8]  # (N, size, size, 3)
GreyFaces = NDArray[np.uint8]  # (N, H, W), grey
Float = NDArray[np.float32]

BATCH = 16
TIMED_BATCHES = 20


def crops_of(faces: GreyFaces, size: int) -> Crops:
    """Grey faces as the worker would cut them."""
    crops = np.empty((len(faces), size, size, 3), np.uint8)
    for face, crop in zip(faces, crops, strict=True):
        whole = np.array([0, 0, face.shape[1], face.shape[0]], np.float32)
        square_crop(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), whole, size, 0.0, out=crop)
    return crops


def logits_of(classifier: Classifier, faces: GreyFaces) -> Float:
    """Logits (N, labels) of grey faces."""
    return logits_of_crops(classifier, crops_of(faces, classifier.card.input_size))


def logits_of_crops(classifier: Classifier, crops: Crops) -> Float:
    """Logits (N, labels) of crops as the worker cuts them, in batches of BATCH."""
    starts = tqdm(range(0, len(crops), BATCH), desc="classifying", unit="batch", disable=None, leave=False)
    return np.concatenate([classifier.logits(crops[start : start + BATCH]) for start in starts])


def evaluate_classifier(classifier: Classifier, data: FerPlus, split: str, protocol: Protocol) -> dict[str, Any]:
    """Accuracy, F1 and recall by class on the faces that `protocol` keeps, and calibration after the card's temperature.

    On val the calibration error is that of the half on which no temperature was fitted. `accuracy_with_flip` is
    that of the mean of a face's and its mirror's probabilities, which nobody is served: no other figure has it.
    """
    card = classifier.card
    places, labels = data.labelled(protocol)
    logits = logits_of(classifier, data.faces[places])
    mirrored = logits_of(classifier, data.faces[places][:, :, ::-1])
    matrix = confusion_matrix(logits, labels)
    probabilities = softmax(logits / np.float32(card.temperature))
    measured = ~fitting_half(places) if split == "val" else np.ones(len(places), bool)
    low, high = interval(int(matrix.trace()), len(places))
    return {
        "n": len(places),
        "protocol": protocol,
        "device": classifier.device,
        "accuracy": accuracy(logits, labels),
        "accuracy_from": low,
        "accuracy_to": high,
        "accuracy_with_flip": accuracy(probabilities + softmax(mirrored / np.float32(card.temperature)), labels),
        "macro_f1": macro_f1(matrix),
        "ece": expected_calibration_error(probabilities[measured], labels[measured]),
        "ece_before_temperature": expected_calibration_error(softmax(logits[measured]), labels[measured]),
        "ece_n": int(measured.sum()),
        "ece_on": "odd places of val; the temperature is fitted on the even ones" if split == "val" else f"every face of {split}",
        "nll": negative_log_likelihood(logits[measured] / np.float32(card.temperature), labels[measured]),
        "temperature": card.temperature,
        "named": named(probabilities[measured], labels[measured], card.least_probability),
        "ms_per_face": milliseconds(classifier, data.faces),
        "per_class": class_figures(matrix, card.labels),
        "labels": list(card.labels),
        "confusion": matrix.tolist(),
    }


def named(probabilities: Float, labels: NDArray[np.int64], least_probability: float) -> dict[str, float]:
    """Coverage and accuracy of the names that are given: faces under the card's least probability are unknown."""
    kept = probabilities.max(axis=1) >= least_probability
    return {
        "least_probability": least_probability,
        "coverage": float(kept.mean()) if len(kept) else 0.0,
        "accuracy": accuracy(probabilities[kept], labels[kept]),
        "accuracy_of_unknown": accuracy(probabilities[~kept], labels[~kept]),
    }


def milliseconds(classifier: Classifier, faces: GreyFaces) -> float:
    """Median milliseconds a face in batches of 16."""
    crops = crops_of(faces[:BATCH], classifier.card.input_size)
    seconds = []
    for _ in range(TIMED_BATCHES):
        started = time.perf_counter()
        classifier(crops)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) / len(crops) * 1e3
