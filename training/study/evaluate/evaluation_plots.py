"""Pictures of an evaluation: what is taken for what, how far probabilities can be believed, and where it is right."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.plotting import png_of
from ferstream.training.release.plots import FAINT, INK, OTHERS, confusion_axes, reliability_axes

Float = NDArray[np.float32]
Labels = NDArray[np.int64]

#: Letters of a source or group that a plot has room for.
LONGEST = 32


def confusion_png(counts: Labels) -> bytes:
    """Counts (8, 8) and their rows in percent, side by side."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    for axes, percent in zip(figure.subplots(1, 2), (False, True), strict=True):
        confusion_axes(axes, counts, EMOTIONS, percent=percent)
        axes.set_title("rows in percent" if percent else "counts")
    return png_of(figure)


def reliability_png(before: Float, after: Float, labels: Labels) -> bytes:
    """Reliability of probabilities (n, 8) before and after the temperature."""
    figure = Figure(figsize=(5.6, 5), layout="constrained")
    axes = figure.subplots()
    reliability_axes(axes, before, labels, OTHERS[0], "before the temperature")
    reliability_axes(axes, after, labels, INK, "after it")
    axes.legend(loc="upper left", frameon=False)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"reliability, {len(labels):,} faces")
    return png_of(figure)


def classes_png(per_class: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Recall of each class with its 95 % interval, its precision and its F1."""
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axes = figure.subplots()
    rows = list(per_class.values())
    _intervals(axes, [row["recall"] for row in rows], [row["recall_from"] for row in rows], [row["recall_to"] for row in rows])
    places = np.arange(len(rows))
    axes.scatter([row["precision"] for row in rows], places, marker="D", s=32, color=OTHERS[0], label="precision", zorder=3)
    axes.scatter([row["f1"] for row in rows], places, marker="|", s=160, color="#1d2733", label="F1", zorder=3)
    _names(axes, [f"{name}  ({row['n']:,})" for name, row in per_class.items()], "recall with its 95 % interval, precision, F1")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, frameon=False)
    return png_of(figure)


def shares_png(shares: Mapping[str, Mapping[str, Any]], overall: float) -> bytes:
    """Accuracy of each name with its 95 % interval, and the accuracy of all faces as a line."""
    figure = Figure(figsize=(7.5, 1.2 + 0.34 * len(shares)), layout="constrained")
    axes = figure.subplots()
    rows = list(shares.values())
    _intervals(axes, [row["accuracy"] for row in rows], [row["from"] for row in rows], [row["to"] for row in rows])
    axes.axvline(overall, color="#1d2733", linestyle="--", linewidth=1)
    _names(
        axes,
        [f"{_short(name)}  ({row['n']:,})" for name, row in shares.items()],
        "accuracy with its 95 % interval; dashed: all faces",
    )
    return png_of(figure)


def _intervals(axes: Axes, middle: list[float], low: list[float], high: list[float]) -> None:
    places = np.arange(len(middle))
    axes.hlines(places, low, high, color=INK, linewidth=5, alpha=0.35)
    axes.scatter(middle, places, color=INK, s=36, label="recall", zorder=3)


def _short(name: str) -> str:
    """A name that leaves room for the plot."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _names(axes: Axes, names: list[str], label: str) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(-0.01, 1.01), ylim=(len(names) - 0.4, -0.6), xlabel=label)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
