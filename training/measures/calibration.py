"""Calibration: one temperature for all logits (Guo et al. 2017, https://arxiv.org/abs/1706.04599), and how far it falls short."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Float = NDArray[np.float32]
Labels = NDArray[np.int64]

BINS = 15


def negative_log_likelihood(logits: Float, labels: Labels) -> float:
    """Mean of -log p(label) of logits (n, classes)."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]).mean())


def fit_temperature(logits: Float, labels: Labels, low: float = 0.05, high: float = 20.0) -> float:
    """The temperature, between `low` and `high`, under which logits (n, classes) make the labels (n,) most likely.

    The likelihood has one maximum in the temperature: Brent's method on its logarithm finds it to about 0.01 % where the
    likelihood is not flat.
    """
    bounds = (math.log(low), math.log(high))
    found = minimize_scalar(_loss_at, args=(logits, labels), method="bounded", bounds=bounds, options={"xatol": 1e-4})
    return math.exp(found.x)


def _loss_at(log_temperature: float, logits: Float, labels: Labels) -> float:
    return negative_log_likelihood(logits / np.float32(math.exp(log_temperature)), labels)


def expected_calibration_error(probabilities: Float, labels: Labels, bins: int = BINS) -> float:
    """Mean distance between confidence and accuracy over `bins` equal bins of confidence, weighted by their faces."""
    confidence, right, share = reliability(probabilities, labels, bins)
    return float((np.abs(right - confidence) * share).sum())


def reliability(probabilities: Float, labels: Labels, bins: int = BINS) -> tuple[Float, Float, Float]:
    """Mean confidence, accuracy, and share of all faces, of each of `bins` equal bins of confidence that has any."""
    confidence = probabilities.max(axis=1)
    hits = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [(confidence[place == i].mean(), hits[place == i].mean(), (place == i).mean()) for i in sorted(set(place.tolist()))]
    means, right, share = np.array(rows, np.float32).reshape(-1, 3).T
    return means, right, share


def fitting_half(places: Labels) -> NDArray[np.bool_]:
    """Which faces of the val split a temperature is fitted on: those in even places; the others measure it."""
    return np.asarray(places % 2 == 0, np.bool_)
