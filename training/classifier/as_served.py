"""Measures a classifier on crops as a worker makes them: the face in a frame, found by the detector, cut around its box."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ferstream.training.classifier.evaluate import logits_of, logits_of_crops
from ferstream.training.measures.metrics import accuracy
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.faces.recognizer import FaceRecognizer
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.detector import Detector

#: A face of the pack is this large in the frame, in pixels, unless another side is asked for.
SIDE_IN_FRAME = 96


def framed(face: NDArray[np.uint8], side: int = SIDE_IN_FRAME) -> NDArray[np.uint8]:
    """A grey face (H, W) of `side` pixels in the middle of an RGB frame of twice that, whose borders go on as the face's do."""
    sized = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA if side < face.shape[0] else cv2.INTER_CUBIC)
    room = side // 2
    frame = cv2.copyMakeBorder(sized, room, room, room, room, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB), np.uint8)


def served(
    detector: Detector, classifier: Classifier, faces: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Places (n,) of the faces that the detector finds at `side` pixels, their probabilities (n, labels) and qualities (n,)."""
    recognizer = FaceRecognizer(detector, classifier)
    places, answers = [], []
    for place, face in enumerate(tqdm(faces, desc=f"framing at {side} px", unit="face", disable=None, leave=False)):
        (seen,) = recognizer(framed(face, side))
        if seen:
            places.append(place)
            answers.append(seen[0])
    probabilities = np.array([face.probabilities for face in answers], np.float32).reshape(
        len(places), len(classifier.card.labels)
    )
    return np.array(places, np.int64), probabilities, np.array([face.quality for face in answers], np.float32)


def in_service(detector: Detector, classifier: Classifier, faces: NDArray[np.uint8], labels: NDArray[np.int64]) -> dict[str, Any]:
    """How the crops of service compare with those of training, on faces (N, H, W) of a pack.

    `margin` is that by which the detector's box, squared, would have to grow to be the face as the pack cut it: the median,
    and what nine in ten lie between. The accuracies are of the same faces, those that the detector finds.
    """
    card = classifier.card
    crops, margins, found = [], [], []
    for place, face in enumerate(tqdm(faces, desc="framing", unit="face", disable=None, leave=False)):
        frame = framed(face)
        boxes = detector([frame])[0]
        if len(boxes.scores):
            box = boxes.xyxy[0]
            crops.append(square_crop(frame, box, card.input_size, card.margin))
            margins.append(SIDE_IN_FRAME / float((box[2:] - box[:2]).max()) - 1)
            found.append(place)
    if not found:
        return {"n": len(faces), "found": 0.0}
    low, median, high = np.percentile(margins, [5, 50, 95])
    return {
        "n": len(faces),
        "found": len(found) / len(faces),
        "margin": float(median),
        "margin_from": float(low),
        "margin_to": float(high),
        "accuracy_of_detector_crops": accuracy(logits_of_crops(classifier, np.stack(crops)), labels[found]),
        "accuracy_of_pack_crops": accuracy(logits_of(classifier, faces[found]), labels[found]),
    }
