"""Accuracies: shares of right answers with their intervals, over eight classes and over seven, by source and by group."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.measures.metrics import class_figures, interval

Float = NDArray[np.float32]
Hits = NDArray[np.bool_]  # (n,) whether an answer is the label

CONTEMPT = EMOTIONS.index("contempt")
#: The two ways to go without contempt, and what each leaves out.
SEVEN = {
    "seven_without_contempt_pictures": (
        "faces labelled contempt are left out; the net keeps its eight outputs, and is wrong where it answers contempt"
    ),
    "seven_without_contempt_pictures_and_output": (
        "faces labelled contempt and the net's output for contempt are left out; the largest of the other seven is its answer"
    ),
}
#: All that are given.
ACCURACIES = ("eight", *SEVEN)
#: Its accuracies over seven (Table 1) are the means of the recalls of the seven (Appendix A), which are those over eight outputs.
STUDYS_SEVEN = (
    "The study's nets keep their eight outputs where it measures them without contempt: seven_without_contempt_pictures is its "
    "way; the other is given beside it."
)


def accuracy_text(row: Mapping[str, Any]) -> str:
    """An accuracy as text, with its 95 % interval and the numbers that it is of."""
    return f"{row['accuracy']:.4f} ({row['from']:.4f} to {row['to']:.4f}), {row['right']:,} of {row['n']:,}"


def accuracies(logits: Float, labels: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    """Accuracy over eight classes, and over seven in the two ways of SEVEN."""
    others = labels != CONTEMPT
    without = logits.copy()
    without[:, CONTEMPT] = -np.inf
    hits = logits.argmax(axis=1) == labels
    answered = (hits, hits[others], (without.argmax(axis=1) == labels)[others])
    return {name: share(right) for name, right in zip(ACCURACIES, answered, strict=True)}


def share(hits: Hits) -> dict[str, Any]:
    """The share of right answers with its 95 % interval, and the numbers that it is of."""
    n, right = len(hits), int(hits.sum())
    low, high = interval(right, n)
    return {"n": n, "right": right, "accuracy": right / max(1, n), "from": low, "to": high}


def averages(matrix: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 over the classes that the data has: weighted by their faces, and each class alike."""
    rows = [row for row in class_figures(matrix, EMOTIONS).values() if row["n"]]
    weights = {"weighted": [row["n"] for row in rows], "macro": [1] * len(rows)}
    return {
        name: {key: float(np.average([row[key] for row in rows], weights=by_class)) for key in ("precision", "recall", "f1")}
        for name, by_class in weights.items()
    }


def by(hits: Hits, names: Sequence[str | None]) -> dict[str, dict[str, Any]]:
    """The share of right answers of each name, most frequent first; faces without one are left out."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name is not None:
            places.setdefault(name, []).append(place)
    return {name: share(hits[places[name]]) for name in sorted(places, key=lambda name: (-len(places[name]), name))}
