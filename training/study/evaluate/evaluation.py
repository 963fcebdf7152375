"""The figures of a classifier on labelled faces."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.classifier.evaluate import named
from ferstream.training.classifier.ferplus_pack import Protocol
from ferstream.training.common.dataset_names import Dataset
from ferstream.training.measures.calibration import (
    expected_calibration_error,
    fit_temperature,
    fitting_half,
    negative_log_likelihood,
)
from ferstream.training.measures.metrics import class_figures, confusion_matrix
from ferstream.training.study.evaluate.complexity import complexity
from ferstream.training.study.evaluate.evaluated_model import EvaluatedModel
from ferstream.training.study.evaluate.faces import Faces
from ferstream.training.study.evaluate.inference import logits_of, throughput, timed_crops
from ferstream.training.study.evaluate.named_pictures import NamedPicture, choose
from ferstream.training.study.records.accuracies import accuracies, accuracy_text, averages, by
from ferstream.training.study.records.report_folder import VERSION
from ferstream.workers.models.classifier import softmax

Float = NDArray[np.float32]
Hits = NDArray[np.bool_]  # (n,) whether an answer is the label


@dataclass(frozen=True, slots=True)
class Temperature:
    """The temperature that logits are divided by, where it is from, and the one fitted on the val split, if there is one."""

    used: float
    origin: str
    fitted: float | None
    fitted_on: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Faces, what a classifier answered to each, and the figures for a report."""

    faces: Faces
    logits: Float  # (n, 8)
    temperature: Temperature
    counted: Hits  # (n,) faces that no temperature was fitted on: calibration is measured on these
    chosen: tuple[NamedPicture, ...]  # pictures that were asked about by name
    figures: dict[str, Any]

    @property
    def probabilities(self) -> Float:
        """Probabilities (n, 8) after the temperature."""
        return softmax(self.logits / np.float32(self.temperature.used))


def evaluate(
    measured: EvaluatedModel, dataset: Dataset, split: str, protocol: Protocol, threads: int, pictures: Sequence[str] = ()
) -> Evaluation:
    """Measure a classifier on a split of a dataset, and answer `pictures` by their names.

    Raises PreparedError, PackError, PictureStoreError, DivergedError, and what `choose` raises.
    """
    faces = Faces.of(dataset, split, protocol)
    chosen = choose(faces, pictures, measured.classifier)
    logits = logits_of(measured.classifier, faces, threads)
    counted = ~fitting_half(np.arange(len(faces))) if split == "val" else np.ones(len(faces), bool)
    if faces.other("val"):
        val = Faces.of(dataset, "val", protocol)
        fitted = fit_temperature(logits_of(measured.classifier, val, threads), val.labels)
        temperature = _temperature(measured, fitted, "val, which is among the faces measured" if split == "all" else "val")
    elif split == "val" and not counted.all():
        temperature = _temperature(measured, fit_temperature(logits[~counted], faces.labels[~counted]), "the even places of val")
    else:
        temperature = _temperature(measured, None, "no val split")
    evaluation = Evaluation(faces, logits, temperature, counted if counted.any() else ~counted, chosen, {})
    evaluation.figures.update(
        _about(measured, faces, protocol if dataset.scheme == "ferplus" else None)
        | figures(evaluation, measured.classifier.card.least_probability)
        | {"throughput": throughput(measured, timed_crops(measured, faces), threads)}
    )
    return evaluation


def _temperature(measured: EvaluatedModel, fitted: float | None, on: str) -> Temperature:
    if not measured.is_run:
        return Temperature(measured.classifier.card.temperature, "the model's card", fitted, on)
    return Temperature(fitted or 1.0, f"fitted on {on}" if fitted else "none is fitted: the dataset has no val split", fitted, on)


def _about(measured: EvaluatedModel, faces: Faces, protocol: Protocol | None) -> dict[str, Any]:
    card = measured.classifier.card
    return {
        "version": VERSION,
        "model": {
            "name": card.name,
            "architecture": card.architecture,
            "input_size": card.input_size,
            "run": measured.is_run,
            "weights_sha256": measured.weights_sha256,
        },
        "dataset": {"name": faces.dataset, "split": faces.split, "digest": faces.digest(), "protocol": protocol},
        "n": len(faces),
        **asdict(complexity(card)),
    }


def figures(evaluation: Evaluation, least_probability: float) -> dict[str, Any]:
    """Accuracies, averages, classes, confusion and calibration, and accuracy by source and group."""
    faces, logits, labels = evaluation.faces, evaluation.logits, evaluation.faces.labels
    matrix = confusion_matrix(logits, labels)
    hits = logits.argmax(axis=1) == labels
    counted, probabilities = evaluation.counted, evaluation.probabilities
    return {
        "accuracy": accuracies(logits, labels),
        "averages": averages(matrix),
        "calibration": {
            **asdict(evaluation.temperature),
            "n": int(counted.sum()),
            "ece_before": expected_calibration_error(softmax(logits[counted]), labels[counted]),
            "ece": expected_calibration_error(probabilities[counted], labels[counted]),
            "nll_before": negative_log_likelihood(logits[counted], labels[counted]),
            "nll": negative_log_likelihood(logits[counted] / np.float32(evaluation.temperature.used), labels[counted]),
        },
        "named": named(probabilities, labels, least_probability),
        "per_class": class_figures(matrix, EMOTIONS),
        "by_source": by(hits, faces.sources),
        "by_group": {
            kind: by(hits, [groups.get(kind) for groups in faces.groups])
            for kind in sorted({kind for groups in faces.groups for kind in groups})
        },
        "labels": list(EMOTIONS),
        "confusion": matrix.tolist(),
        "chosen": [picture.figures(evaluation.temperature.used) for picture in evaluation.chosen],
    }


def in_short(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures that a terminal has room for."""
    calibration, speed = figures["calibration"], figures["throughput"]
    return {
        "model": figures["model"]["name"],
        "dataset": f"{figures['dataset']['name']}, {figures['dataset']['split']}",
        **{f"accuracy_{name}": accuracy_text(row) for name, row in figures["accuracy"].items()},
        "temperature": calibration["used"],
        "ece_before": calibration["ece_before"],
        "ece": calibration["ece"],
        "nll": calibration["nll"],
        "parameters_m": figures["parameters"] / 1e6,
        "gflops": figures["flops"] / 1e9,
        "faces_per_s": speed["faces_per_s"],
        "averages": figures["averages"],
        "per_class": {
            name: {key: row[key] for key in ("n", "precision", "recall", "recall_from", "recall_to", "f1")}
            for name, row in figures["per_class"].items()
        },
    }
