"""Accuracy, precision, recall and F1 of a classifier, with intervals, and its confusion matrix."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Labels = NDArray[np.int64]  # (n,)
ClassScores = NDArray[np.float32]  # (n, classes): logits or probabilities, the largest wins


def accuracy(scores: ClassScores, labels: Labels) -> float:
    """The share of right answers; 0 where there are no labels."""
    return float((scores.argmax(axis=1) == labels).mean()) if len(labels) else 0.0


def confusion_matrix(scores: ClassScores, labels: Labels) -> NDArray[np.int64]:
    """Counts (classes, classes): the row is the label, the column what was answered."""
    classes = scores.shape[1]
    return np.bincount(labels * classes + scores.argmax(axis=1), minlength=classes * classes).reshape(classes, classes)


def class_figures(matrix: NDArray[np.int64], names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """By class: n, recall and its 95 % interval, precision, F1; a class nobody has, or that is never answered, has 0 there."""
    hits, n, answered = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    return {
        name: {
            "n": int(n[i]),
            "recall": float(hits[i] / max(1, n[i])),
            "recall_from": interval(int(hits[i]), int(n[i]))[0],
            "recall_to": interval(int(hits[i]), int(n[i]))[1],
            "precision": float(hits[i] / max(1, answered[i])),
            "f1": float(2 * hits[i] / max(1, n[i] + answered[i])),
        }
        for i, name in enumerate(names)
    }


def macro_f1(matrix: NDArray[np.int64]) -> float:
    """The mean F1 of the classes that the data has."""
    hits, n, answered = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = 2 * hits / np.maximum(1, n + answered)
    return float(f1[n > 0].mean()) if (n > 0).any() else 0.0


def interval(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson (1927, https://doi.org/10.1080/01621459.1927.10502953); 0 to 1 where n is 0."""
    if not n:
        return 0.0, 1.0
    found = binomtest(hits, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
