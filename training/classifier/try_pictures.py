"""Trying both models on a picture of one's own: what a worker would say of it, and where."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.messages import Face
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.faces.quality import face_quality
from ferstream.workers.faces.rejection import name_of
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.detector import Detector

Picture = NDArray[np.uint8]  # (H, W, 3) RGB

INK, PAPER = (255, 200, 0), (20, 20, 20)


class PictureError(FerstreamError):
    """A picture cannot be read, or written."""


def read_picture(path: Path) -> Picture:
    """The picture in a file, turned as its EXIF says. Raises PictureError."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise PictureError(f"cannot read {path}: {error.strerror}") from error
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    except cv2.error:  # a header that claims more pixels than OpenCV reads
        picture = None
    if picture is None:
        raise PictureError(f"{path} is no picture that OpenCV reads")
    return np.asarray(picture, np.uint8)


def faces_in(picture: Picture, detector: Detector, classifier: Classifier) -> list[Face]:
    """What a worker would answer for the picture."""
    found, card = detector([picture])[0], classifier.card
    if not len(found.scores):
        return []
    crops = [square_crop(picture, box, card.input_size, card.margin) for box in found.xyxy]
    faces = []
    for place, probabilities in enumerate(classifier(np.stack(crops))):
        box, score = found.xyxy[place], float(found.scores[place])
        quality = face_quality(crops[place], float((box[2:] - box[:2]).max()), score, found.landmarks[place])
        x0, y0, x1, y1 = (float(value) for value in box)
        emotion = name_of(probabilities, quality, card)
        named = tuple(float(value) for value in probabilities)
        faces.append(Face(box=(x0, y0, x1, y1), score=score, quality=quality, emotion=emotion, probabilities=named))
    return faces


def draw(picture: Picture, faces: list[Face]) -> Picture:
    """A copy of the picture with a box and a name around every face."""
    drawn = picture.copy()
    size = max(0.4, max(picture.shape[:2]) / 1600)
    for face in faces:
        x0, y0, x1, y1 = (round(value) for value in face.box)
        label = f"{face.emotion} {face.confidence:.0%}"
        (width, height), base = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        top = max(y0, height + base)  # a label above the frame comes down into it
        cv2.rectangle(drawn, (x0, y0), (x1, y1), INK, max(1, round(2 * size)), cv2.LINE_AA)
        cv2.rectangle(drawn, (x0, top - height - base), (x0 + width, top), INK, cv2.FILLED)
        cv2.putText(drawn, label, (x0, top - base // 2 - 1), cv2.FONT_HERSHEY_SIMPLEX, size, PAPER, 1, cv2.LINE_AA)
    return drawn


def write_picture(path: Path, picture: Picture) -> None:
    """Write `picture` in the form that the name of the file says. Raises PictureError, also where there is such a file."""
    if path.exists():
        raise PictureError(f"{path} is there already: name another --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    except (OSError, cv2.error) as error:
        raise PictureError(f"cannot write {path}: {str(error).strip().splitlines()[0]}") from error
    if not written:
        raise PictureError(f"cannot write {path}")
