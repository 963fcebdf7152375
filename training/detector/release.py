"""Releasing a detector: packaged, measured in the packaged form beside those that people use today, and described."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ferstream.training.detector.evaluate import Find, detect_all, evaluate_detector, finder
from ferstream.training.detector.face_pack import FacePack
from ferstream.training.detector.fit import detector_card
from ferstream.training.detector.reference_detectors import REFERENCES, open_reference
from ferstream.training.measures.average_precision import precision_over_recall
from ferstream.training.release.card_page import write_page
from ferstream.training.release.licences import YUNET, face_sources
from ferstream.training.release.package import package, replacing
from ferstream.training.release.plots import draw_detectors
from ferstream.workers.models.card import ModelError
from ferstream.workers.models.registry import open_detector

log = logging.getLogger(__name__)

SPLIT = "val"

OF_LANDMARKS = "Landmarks are those of another net, YuNet, and were not measured: they serve to tell faces that look away."
LIMITS = (
    "It finds faces; it recognises nobody, and must not be used to identify or follow people.",
    "Pictures are scaled to a long side of 320 px, and small faces are missed: recall_by_size says how many at which size.",
    "It was trained on faces turned by up to 20 degrees; how much it loses beyond, and on profiles, was not measured.",
    "Some training pictures are for research use: have your own use checked before you sell it.",
    "It was not measured by skin colour, age or head covering; its data is uneven in all three. Measure it on your own cameras.",
)


def release_detector(net: nn.Module, val: FacePack, folder: Path, retrain: str, *, taught: bool) -> dict[str, Any]:
    """Write the model folder, with a complete card; returns the figures. Raises ModelError.

    `retrain` is the command that made the net, `taught` says whether YuNet had a part in it: without, it has no landmarks.
    """
    data = " ".join(f"--data {pack.path.name}" for pack in val.packs)
    references = " ".join(f"--reference {name}" for name in REFERENCES)
    command = f"fer-train detector evaluate {data} --split {SPLIT} {references} --device cpu --runtime openvino --json"
    with replacing(folder) as fresh:
        described = replace(
            detector_card(landmarks=taught),
            data=face_sources(val.sources()) + (YUNET if taught else ()),
            limits=(*LIMITS, OF_LANDMARKS) if taught else LIMITS,
            command=command,
            retrain=retrain,
        )
        card = package(net, described, fresh)
        ours = finder(open_detector(fresh, "cpu", "openvino", threads=1))
        every, curves = {}, {}
        for name, find, threshold in ((card.name, ours, card.score_threshold), *_references()):
            found = detect_all(find, val)
            every[name] = evaluate_detector(find, val, threshold, found)
            detections = [(boxes.scores, boxes.xyxy) for boxes in found]
            curves[name] = precision_over_recall(detections, [val.boxes(i) for i in range(len(val))])
        draw_detectors(curves, {name: figures["recall_by_size"] for name, figures in every.items()}, fresh)
        figures = every.pop(card.name)
        beside = {name: {key: value for key, value in row.items() if not isinstance(value, dict)} for name, row in every.items()}
        card = replace(card, figures={SPLIT: figures | ({"beside": beside} if beside else {})})
        card.write(fresh)
        write_page(card, fresh)
    return figures


def _references() -> Iterator[tuple[str, Find, float]]:
    for name in REFERENCES:
        try:
            reference = open_reference(name)
        except ModelError as error:
            log.warning("the card does without %s: %s", name, error)
            continue
        yield reference.name, reference.find, reference.score_threshold
