"""Accuracy, F1, recall by class and calibration, on cases worked out by hand."""

import numpy as np
import pytest

from ferstream.training.measures.calibration import (
    expected_calibration_error,
    fit_temperature,
    fitting_half,
    negative_log_likelihood,
)
from ferstream.training.measures.metrics import accuracy, class_figures, confusion_matrix, macro_f1
from ferstream.workers.models.classifier import softmax

NAMES = ("a", "b", "c")


def answers(*classes: int) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[list(classes)]


def test_figures_by_class() -> None:
    labels, scores = np.array([0, 0, 0, 1]), answers(0, 0, 1, 1)
    matrix = confusion_matrix(scores, labels)
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert accuracy(scores, labels) == 0.75
    by_class = class_figures(matrix, NAMES)
    around = {"recall_from": 0.2077, "recall_to": 0.9385}  # Wilson's interval of two in three, by hand
    assert by_class["a"] == pytest.approx({"n": 3, "recall": 2 / 3, "precision": 1.0, "f1": 0.8, **around}, abs=1e-4)
    assert by_class["b"]["precision"] == 0.5
    assert by_class["b"]["recall_to"] == pytest.approx(1.0)
    nothing_known = {"recall_from": 0, "recall_to": 1}
    assert by_class["c"] == {"n": 0, "recall": 0, "precision": 0, "f1": 0, **nothing_known}
    assert macro_f1(matrix) == pytest.approx((0.8 + 2 / 3) / 2), "a class that the data lacks does not count"


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_recovers_a_known_scale(scale: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (20000, 8)).astype(np.float32)
    labels = (softmax(logits).cumsum(axis=1) > random.random((20000, 1))).argmax(axis=1)
    assert fit_temperature(logits * np.float32(scale), labels) == pytest.approx(scale, rel=0.03)


def test_the_temperature_lowers_the_likelihoods_loss_and_the_calibration_error() -> None:
    random = np.random.default_rng(1)
    honest = random.normal(0, 1.5, (4000, 8)).astype(np.float32)
    labels = (softmax(honest).cumsum(axis=1) > random.random((4000, 1))).argmax(axis=1)
    boastful = honest * np.float32(4)
    tempered = boastful / np.float32(fit_temperature(boastful, labels))
    assert negative_log_likelihood(tempered, labels) < negative_log_likelihood(boastful, labels)
    before, after = (expected_calibration_error(softmax(x), labels) for x in (boastful, tempered))
    assert after < 0.03 < before


def test_calibration_error_by_hand() -> None:
    """Two faces at 0.9, one right: 0.4 off; two at 0.6, both right: 0.4 off."""
    sure, less = [0.9, 0.05, 0.05], [0.6, 0.2, 0.2]
    probabilities = np.array([sure, sure, less, less], np.float32)
    assert expected_calibration_error(probabilities, np.array([0, 1, 0, 0])) == pytest.approx(0.4)


def test_certain_answers_have_a_bin() -> None:
    assert expected_calibration_error(answers(0, 1), np.array([0, 1])) == 0


def test_the_halves_of_val_are_disjoint_and_nearly_equal() -> None:
    half = fitting_half(np.arange(101))
    assert half.sum() == 51
    assert not (half & fitting_half(np.arange(101) + 1)).any()
