"""Risk over coverage, and the threshold under which a name is no likelier right than wrong."""

import numpy as np
import pytest

from ferstream.training.measures.risk_coverage import RiskCoverage, least_confidence


def test_the_curve_by_hand():
    curve = RiskCoverage.of(np.array([0.9, 0.2, 0.6, 0.4], np.float32), np.array([True, False, True, False]))
    np.testing.assert_allclose(curve.confidence, [0.9, 0.6, 0.4, 0.2])
    np.testing.assert_allclose(curve.coverage, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(curve.risk, [0, 0, 1 / 3, 1 / 2])
    assert curve.at(0.5) == (pytest.approx(0.5), 0.0)
    assert curve.at(0.95) == (0.0, 0.0), "nobody is named, and nobody wrongly"


def test_the_threshold_is_where_names_get_better_than_a_coin():
    confidence = np.linspace(0, 1, 4001, dtype=np.float32)
    assert least_confidence(confidence, confidence >= 0.3) == pytest.approx(0.3, abs=1e-3)
    hits = np.random.default_rng(0).random(4001) < confidence  # calibrated: right as often as it says
    assert least_confidence(confidence[::-1], hits[::-1]) == pytest.approx(0.5, abs=0.1), "whatever the order"


def test_a_classifier_that_is_always_right_leaves_nobody_out():
    assert least_confidence(np.linspace(0, 1, 100, dtype=np.float32), np.ones(100, bool)) == 0


def test_a_classifier_that_is_always_wrong_names_nobody():
    confidence = np.linspace(0, 1, 100, dtype=np.float32)
    assert (confidence < least_confidence(confidence, np.zeros(100, bool))).all()
