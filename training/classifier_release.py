"""Releasing a classifier: packaged, given its temperature, measured in the packaged form, and described on its card."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from training.calibration import fit_temperature, fitting_half
from training.classifier_evaluate import evaluate_classifier, logits_of
from training.classifier_fit import classifier_card
from training.export import package, replacing
from training.ferplus import PROTOCOLS, FerPlus
from training.licences import FERPLUS
from workers.models.classifier import Classifier
from workers.models.registry import open_classifier

SPLIT = "val"

LIMITS = (
    "It names the apparent expression of a face as ten annotators of web pictures would, not what a person feels or means.",
    "It must not be used to infer emotions at work or in education (banned by Article 5(1)(f) of the EU AI Act), nor to judge, "
    "rank, hire, diagnose or watch over anybody.",
    "Contempt, disgust and fear are rare in the data: contempt is hardly ever named, the others are often missed "
    "(see per_class).",
    "Trained and measured on upright grey faces of 48 px; how much it loses on turned, covered or smaller ones was not measured.",
    "It was not measured by age, skin colour or culture; pictures found on the web in 2013 are uneven in all of them.",
    "Probabilities are calibrated on FER+ val; on other cameras they may be off.",
)


def release_classifier(net: nn.Module, val: FerPlus, pack: str, folder: Path) -> dict[str, Any]:
    """Write the model folder, with a complete card; returns the figures by protocol. Raises ModelError."""
    command = f"fer-train classifier evaluate --dataset ferplus:{pack} --split {SPLIT} --device cpu --runtime openvino --json"
    with replacing(folder) as fresh:
        card = package(net, replace(classifier_card(), data=FERPLUS, limits=LIMITS, command=command), fresh)
        card = replace(card, temperature=round(fitted_temperature(_opened(fresh), val), 4))
        card.write(fresh)
        figures: dict[str, Any] = {protocol: evaluate_classifier(_opened(fresh), val, SPLIT, protocol) for protocol in PROTOCOLS}
        replace(card, figures={SPLIT: {name: _for_card(part) for name, part in figures.items()}}).write(fresh)
    return figures


def fitted_temperature(classifier: Classifier, val: FerPlus) -> float:
    """The temperature that suits the majority labels of one half of the val split."""
    places, labels = val.labelled("majority")
    half = fitting_half(places)
    return fit_temperature(logits_of(classifier, val.faces[places[half]]), labels[half])


def _for_card(figures: dict[str, Any]) -> dict[str, Any]:
    """All but the matrix of confusions, which `evaluate --json` prints."""
    return {name: value for name, value in figures.items() if name != "confusion"}


def _opened(folder: Path) -> Classifier:
    return open_classifier(folder, "cpu", "openvino", threads=1)
