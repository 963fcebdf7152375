"""Running a classifier over faces: its logits, and how fast it gives them."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ferstream.streams.errors import FerstreamError
from ferstream.training.study.evaluate.evaluated_model import EvaluatedModel
from ferstream.training.study.evaluate.faces import BATCH, Crops, Faces
from ferstream.workers.models.classifier import Classifier

Float = NDArray[np.float32]

#: A throughput is the median over so many batches, fewer where they take longer than this.
TIMED_BATCHES, TIMED_S = 20, 1.0


class DivergedError(FerstreamError):
    """A net answers with infinities or nan: it diverged in training, or its weights are broken."""


def logits_of(classifier: Classifier, faces: Faces, threads: int) -> Float:
    """Logits (n, labels) of faces, read while the net computes. Raises PictureStoreError with the path of what cannot be read,
    DivergedError."""
    rows = []
    with tqdm(total=len(faces), desc=f"answering {faces.split}", unit="face", disable=None, leave=False) as bar:
        for crops in faces.crops(classifier.card.input_size, threads):
            rows.append(finite(classifier.logits(crops)))
            bar.update(len(crops))
    return np.concatenate(rows)


def finite(logits: Float) -> Float:
    """The logits as they are. Raises DivergedError where some are infinite or nan."""
    if not np.isfinite(logits).all():
        raise DivergedError(
            "the net answers no numbers (infinite or nan): it diverged while it was trained, or its weights are broken. Train it "
            "again with a smaller learning rate, from the last weights that are sound"
        )
    return logits


def throughput(measured: EvaluatedModel, crops: Crops, threads: int) -> dict[str, Any]:
    """Faces a second in batches of `crops` (n, side, side, 3), and what they were computed with.

    The classifier has answered such a batch before: the first one pays for memory and plans.
    """
    classifier = measured.classifier
    seconds: list[float] = []
    until = time.perf_counter() + TIMED_S
    while len(seconds) < TIMED_BATCHES and (len(seconds) < 2 or time.perf_counter() < until):
        started = time.perf_counter()
        classifier.logits(crops)
        seconds.append(time.perf_counter() - started)
    return {
        "faces_per_s": len(crops) / float(np.median(seconds)),
        "batch_size": len(crops),
        "batches": len(seconds),
        "device": classifier.device,
        "runtime": measured.runtime,
        "threads": threads,
    }


def timed_crops(measured: EvaluatedModel, faces: Faces) -> Crops:
    """The first batch of faces, to measure throughput on."""
    side = measured.classifier.card.input_size
    return np.stack([faces.crop(place, side) for place in range(min(BATCH, len(faces)))])
