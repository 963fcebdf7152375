"""Releasing a classifier: packaged, given its temperature and thresholds, measured in the packaged form, and described."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ferstream.training.classifier.as_served import in_service, served
from ferstream.training.classifier.conditions import by_condition
from ferstream.training.classifier.evaluate import evaluate_classifier, logits_of
from ferstream.training.classifier.ferplus_pack import PROTOCOLS, FerPlus
from ferstream.training.classifier.fit import classifier_card
from ferstream.training.measures.calibration import fit_temperature, fitting_half
from ferstream.training.measures.risk_coverage import least_confidence
from ferstream.training.release.card_page import write_page
from ferstream.training.release.licences import FERPLUS
from ferstream.training.release.package import package, replacing
from ferstream.training.release.plots import draw_classifier
from ferstream.workers.models.card import ModelCard
from ferstream.workers.models.classifier import Classifier, softmax
from ferstream.workers.models.registry import open_classifier, open_detector

Sources = tuple[dict[str, str], ...]

SPLIT = "val"
#: Conditions are measured on every third face: each of them takes as long as a whole evaluation.
EVERY = 3
#: Sides, in pixels, of the faces from which the least quality is chosen.
FAR_SIDES = (48, 24, 16, 12, 8)

LIMITS = (
    "It names the apparent expression of a face as ten annotators of web pictures would, not what a person feels or means.",
    "It must not be used to infer emotions at work or in education (banned by Article 5(1)(f) of the EU AI Act), nor to judge, "
    "rank, hire, diagnose or watch over anybody.",
    "Contempt, disgust and fear are rare in the data and often missed (see per_class, with its intervals).",
    "Measured on grey faces of 48 px found on the web in 2013; larger, dark and turned ones are made from those.",
    "It was not measured by age, skin colour or culture; the pictures are uneven in all of them.",
    "Probabilities are calibrated on FER+ val; on other cameras they may be off.",
)


def release_classifier(net: nn.Module, val: FerPlus, pack: str, sources: Sources, folder: Path, retrain: str) -> dict[str, Any]:
    """Write the model folder, with a complete card; returns the figures by protocol. Raises ModelError.

    `sources` describe the faces in colour that it was trained on beside FER+, `retrain` is the command that made it.
    """
    command = f"fer-train classifier evaluate --dataset ferplus:{pack} --split {SPLIT} --conditions --device cpu --json"
    with replacing(folder) as fresh:
        described = replace(classifier_card(), data=FERPLUS + sources, limits=LIMITS, command=command, retrain=retrain)
        card = package(net, described, fresh)
        card = replace(card, temperature=round(fitted_temperature(_opened(fresh), val), 4))
        card.write(fresh)
        least_probability, least_quality = fitted_thresholds(_opened(fresh), val)
        card = replace(card, least_probability=least_probability, least_quality=least_quality)
        card.write(fresh)
        figures: dict[str, Any] = {protocol: evaluate_classifier(_opened(fresh), val, SPLIT, protocol) for protocol in PROTOCOLS}
        card = replace(card, figures={SPLIT: figures | made_figures(_opened(fresh), val)})
        card.write(fresh)
        _draw(card, val, fresh)
        write_page(card, fresh)
    return figures


def fitted_temperature(classifier: Classifier, val: FerPlus) -> float:
    """The temperature that suits the majority labels of one half of the val split."""
    places, labels = val.labelled("majority")
    half = fitting_half(places)
    return fit_temperature(logits_of(classifier, val.faces[places[half]]), labels[half])


def fitted_thresholds(classifier: Classifier, val: FerPlus) -> tuple[float, float]:
    """`least_probability` and `least_quality`, under which a name is likelier wrong than right.

    From one half of the val split by the argmax-8 labels, which leave no face out for being hard; quality from the same faces
    made smaller, as the packaged detector finds them.
    """
    places, labels = val.labelled("argmax8")
    half = fitting_half(places)
    faces, labels = val.faces[places[half]], labels[half]
    logits = logits_of(classifier, faces)
    sure = softmax(logits / np.float32(classifier.card.temperature)).max(axis=1)
    right = logits.argmax(axis=1) == labels
    detector = open_detector(None, "cpu", "openvino", threads=1)
    every = [served(detector, classifier, faces[::EVERY], side) for side in FAR_SIDES]
    hits = np.concatenate([answers.argmax(axis=1) == labels[::EVERY][places] for places, answers, _ in every])
    qualities = np.concatenate([quality for *_, quality in every])
    least_quality = least_confidence(qualities, hits) if len(hits) else 0.0
    return round(least_confidence(sure, right), 3), round(least_quality, 3)


def made_figures(classifier: Classifier, val: FerPlus) -> dict[str, Any]:
    """Figures on faces made worse (conditions.py), and on crops that the packaged detector makes (as_served.py)."""
    places, labels = val.labelled("majority")
    faces, labels = val.faces[places[::EVERY]], labels[::EVERY]
    detector = open_detector(None, "cpu", "openvino", threads=1)
    return {
        "conditions": {"n": len(faces), "protocol": "majority", **by_condition(classifier, faces, labels)},
        "in_service": {"detector": detector.card.name, **in_service(detector, classifier, faces, labels)},
    }


def _draw(card: ModelCard, val: FerPlus, folder: Path) -> None:
    """The picture of the card, from the half of val that nothing was fitted on."""
    places, labels = val.labelled("majority")
    half = ~fitting_half(places)
    logits = logits_of(_opened(folder), val.faces[places[half]])
    probabilities: NDArray[np.float32] = softmax(logits / np.float32(card.temperature))
    draw_classifier(card, probabilities, labels[half], folder)


def _opened(folder: Path) -> Classifier:
    return open_classifier(folder, "cpu", "openvino", threads=1)
