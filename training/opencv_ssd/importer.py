"""OpenCV's published face detector as a model folder of ours."""

import hashlib
from pathlib import Path

from ferstream.training.opencv_ssd.caffe import CaffeSsd
from ferstream.training.opencv_ssd.layers import MEAN, SIDE, OpenCvSsdFile
from ferstream.training.opencv_ssd.tensorflow import TensorFlowSsd
from ferstream.training.opencv_ssd.weights import published_levels, published_state
from ferstream.training.release.card_page import write_page
from ferstream.training.release.package import package
from ferstream.workers.models.card import CARD, ModelCard, ModelError
from ferstream.workers.models.nets.opencv_ssd import OpenCvSsd

SOURCE = "https://github.com/opencv/opencv/tree/4.x/samples/dnn/face_detector"
LICENCE = (
    "OpenCV's repository is under Apache-2.0, before 4.5.0 under BSD-3-Clause. Whether that covers the weights, which are "
    "published in another repository, is not settled here; the terms of the training pictures are not known."
)
LIMITS = (
    "It finds faces; it recognises nobody, and must not be used to identify or follow people.",
    "Its authors trained it on 'some huge and available online dataset' that they do not name (how_to_train_face_detector.txt), "
    "without faces of under 16 px or blurred ones: have your own use checked before you sell it.",
    "Pictures are stretched to 300x300 px, so that faces of a wide picture become narrow, and small faces are missed: measure "
    "which with fer-train detector evaluate.",
    "It was not measured by skin colour, age or head covering. Measure it on your own cameras.",
)


def import_opencv_ssd(weights: Path, description: Path, folder: Path) -> ModelCard:
    """Write the model folder from a .pb and .pbtxt, or a .caffemodel and .prototxt; returns its card.

    Raises ModelError, which names the file and what to do, where one is missing, broken, or of another net.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CARD).exists():
        raise ModelError(f"{folder} holds other things than a model, which would be lost: name a new folder with --out")
    data = _read(weights)
    published = open_published(weights, data, description)
    levels = published_levels(published)
    card = ModelCard(
        name=f"opencv-ssd-{SIDE}",
        task="detector",
        architecture="opencv_ssd",
        labels=("face",),
        input_size=SIDE,
        resize="stretch",
        colour="BGR",
        mean=(MEAN[0] / 255, MEAN[1] / 255, MEAN[2] / 255),
        std=(1 / 255, 1 / 255, 1 / 255),
        levels=levels,
        iou_threshold=published.iou_threshold(),
        data=(
            {
                "name": "faces that OpenCV's authors do not name (2017)",
                "source": SOURCE,
                "licence": LICENCE,
                "weights": f"{weights.name}, sha256 {hashlib.sha256(data).hexdigest()}",
            },
        ),
        retrain=f"fer-train detector import-opencv-ssd {weights.name} {description.name} --out {folder.name}",
        limits=LIMITS,
    )
    net = OpenCvSsd(levels)
    net.load_state_dict(published_state(published, net))
    try:
        card = package(net, card, folder)
        write_page(card, folder)
        return card
    except OSError as error:
        raise ModelError(f"cannot write {folder}: {error.strerror}") from error


def open_published(weights: Path, data: bytes, description: Path) -> OpenCvSsdFile:
    """The files in the form that the description is in. Raises ModelError."""
    text = _as_text(_read(description))
    if text is None:
        if _as_text(data) is not None:
            raise ModelError(f"{weights} is the description: name the weights first, as in WEIGHTS.pb DESCRIPTION.pbtxt")
        raise ModelError(f"{description} is no text: name the .pbtxt or .prototxt that came with {weights.name}")
    if _as_text(data) is not None:
        raise ModelError(f"{weights} is text, not weights: name the .pb or .caffemodel that came with {description.name}")
    blocks = {line.split("{")[0].strip() for line in text.splitlines() if "{" in line and not line.startswith((" ", "\t", "#"))}
    if "node" in blocks:
        return TensorFlowSsd(weights, data, description, text)
    if "layer" in blocks:
        return CaffeSsd(weights, data, description, text)
    raise ModelError(f"{description} describes no net: name the .pbtxt or .prototxt that came with {weights.name}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error


def _as_text(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter in "\t\r\n" for letter in text) else None
