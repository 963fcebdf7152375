"""Measuring a classifier on a FER+ pack, through the code that serves it."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.calibration import expected_calibration_error, fitting_half, negative_log_likelihood
from training.ferplus import FerPlus, Protocol
from training.metrics import accuracy, class_figures, confusion_matrix, macro_f1
from workers.crop import square_crop
from workers.models.classifier import Classifier, softmax

BATCH = 16
TIMED_BATCHES = 20


def crops_of(faces: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Grey faces (N, H, W) as the worker would cut them: (N, size, size, 3)."""
    crops = np.empty((len(faces), size, size, 3), np.uint8)
    for face, crop in zip(faces, crops, strict=True):
        whole = np.array([0, 0, face.shape[1], face.shape[0]], np.float32)
        square_crop(np.repeat(face[..., None], 3, axis=2), whole, size, 0.0, out=crop)
    return crops


def logits_of(classifier: Classifier, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits (N, labels) of grey faces (N, H, W)."""
    starts = tqdm(range(0, len(faces), BATCH), desc="classifying", unit="batch", disable=None, leave=False)
    size = classifier.card.input_size
    return np.concatenate([classifier.logits(crops_of(faces[start : start + BATCH], size)) for start in starts])


def evaluate_classifier(classifier: Classifier, data: FerPlus, split: str, protocol: Protocol) -> dict[str, Any]:
    """Accuracy, F1 and recall by class on the faces that `protocol` keeps, and calibration after the card's temperature.

    On val the calibration error is that of the half on which no temperature was fitted.
    """
    places, labels = data.labelled(protocol)
    logits = logits_of(classifier, data.faces[places])
    matrix = confusion_matrix(logits, labels)
    tempered = logits / np.float32(classifier.card.temperature)
    measured = ~fitting_half(places) if split == "val" else np.ones(len(places), bool)
    return {
        "n": len(places),
        "protocol": protocol,
        "device": classifier.device,
        "accuracy": accuracy(logits, labels),
        "macro_f1": macro_f1(matrix),
        "ece": expected_calibration_error(softmax(tempered[measured]), labels[measured]),
        "ece_before_temperature": expected_calibration_error(softmax(logits[measured]), labels[measured]),
        "ece_n": int(measured.sum()),
        "ece_on": "odd places of val; the temperature is fitted on the even ones" if split == "val" else f"every face of {split}",
        "nll": negative_log_likelihood(tempered[measured], labels[measured]),
        "temperature": classifier.card.temperature,
        "ms_per_face": milliseconds(classifier, data.faces),
        "per_class": class_figures(matrix, classifier.card.labels),
        "labels": list(classifier.card.labels),
        "confusion": matrix.tolist(),
    }


def milliseconds(classifier: Classifier, faces: NDArray[np.uint8]) -> float:
    """Median milliseconds a face in batches of 16."""
    crops = crops_of(faces[:BATCH], classifier.card.input_size)
    seconds = []
    for _ in range(TIMED_BATCHES):
        started = time.perf_counter()
        classifier(crops)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) / len(crops) * 1e3
