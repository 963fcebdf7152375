"""The plots of a model card: confusion, reliability, risk over coverage, precision over recall."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ferstream.training.measures.calibration import reliability
from ferstream.training.measures.metrics import confusion_matrix
from ferstream.training.measures.risk_coverage import RiskCoverage
from ferstream.workers.models.card import PICTURE, ModelCard

Float = NDArray[np.float32]
Labels = NDArray[np.int64]

INK, FAINT, OTHERS = "#1b6ca8", "#b8c4cc", ("#d9822b", "#5a9e4b", "#8f5aa8")


def draw_classifier(card: ModelCard, probabilities: Float, labels: Labels, folder: Path) -> Path:
    """Confusion, reliability, and risk over coverage, of probabilities (n, labels) on labelled faces."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    confusion_axes(left, confusion_matrix(probabilities, labels), card.labels)
    reliability_axes(middle, probabilities, labels)
    _risk(right, probabilities, labels, card.least_probability)
    figure.suptitle(f"{card.name}, {len(labels)} faces of FER+ val that nothing was fitted on")
    return _save(figure, folder)


def draw_detectors(curves: Mapping[str, tuple[Float, Float]], recalls: Mapping[str, Mapping[str, Any]], folder: Path) -> Path:
    """Precision over recall (recall (n,), precision (n,)), and recall by size, of one or more detectors, ours first."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    width = 0.8 / len(recalls)
    for place, (name, (recall, precision)) in enumerate(curves.items()):
        colour = (INK, *OTHERS)[place]
        left.plot(recall, precision, color=colour, label=name, linewidth=2 if not place else 1.4)
        shares = [row["recall"] for row in recalls[name].values()]
        right.bar(np.arange(len(shares)) + place * width, shares, width, color=colour, label=name)
    sizes = next(iter(recalls.values()))
    right.set_xticks(np.arange(len(sizes)) + 0.4 - width / 2, [name.replace(" and more", " +") for name in sizes], rotation=20)
    left.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title="IoU 0.5, all boxes of val")
    right.set(ylabel="recall at the working threshold", ylim=(0, 1), title="by side of the face, picture scaled to 320 px")
    left.legend(loc="lower left", frameon=False)
    return _save(figure, folder)


def confusion_axes(axes: Axes, counts: Labels, names: Sequence[str], *, percent: bool = False) -> None:
    """Draw counts (classes, classes), or the percentages of their rows, shaded by the shares of the rows."""
    size = len(names)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = f"{100 * shares[row, column]:.1f}" if percent else str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(size), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(size), names, fontsize=8)
    axes.set(xlabel="answered", ylabel="label", title="confusion")


def reliability_axes(axes: Axes, probabilities: Float, labels: Labels, colour: str = INK, name: str | None = None) -> None:
    """Draw how often names are right over how probable they are said to be; a point's area is its share of the faces."""
    means, right, share = reliability(probabilities, labels)
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--")
    axes.plot(means, right, color=colour, label=name)
    axes.scatter(means, right, s=6 + 300 * share, color=colour, alpha=0.7)
    axes.set(xlabel="probability of the name", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1), title="reliability")


def _risk(axes: Axes, probabilities: Float, labels: Labels, threshold: float) -> None:
    curve = RiskCoverage.of(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    axes.plot(curve.coverage, curve.risk, color=INK)
    coverage, risk = curve.at(threshold)
    axes.scatter([coverage], [risk], color=OTHERS[0], zorder=3, label=f"from {threshold:.2f}: {coverage:.0%}, {risk:.0%} wrong")
    axes.legend(loc="upper left", frameon=False)
    axes.set(xlabel="share of faces that are named", ylabel="share of names that are wrong", title="risk over coverage")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)


def _save(figure: Figure, folder: Path) -> Path:
    path = folder / PICTURE
    FigureCanvasAgg(figure).print_figure(path, dpi=90, metadata={"Software": None})
    return path
