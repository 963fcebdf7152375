"""Curves of several runs in the same axes, as the study's figures 11 and 12 show them."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferstream.training.common.plotting import FAINT, LINES, STYLES, png_of
from ferstream.training.study.compare.comparison import Comparison, History

MARKERS = "osD^vPX"
#: Epochs up to which each one has a marker.
MARKED = 40


def curves_png(comparison: Comparison, kind: str) -> bytes:
    """`accuracy` or `loss` over epochs, of training at the left and of validation at the right, one line a run."""
    histories = {entry.name: entry.history for entry in comparison.entries if entry.history}
    figure = Figure(figsize=(12, 5), layout="constrained")
    panels = figure.subplots(1, 2, sharey=kind == "accuracy")
    for axes, (column, name) in zip(panels, (("train", "training"), ("val", "validation")), strict=True):
        _lines(axes, histories, f"{column}_{kind}")
        axes.set_title(f"{name} {kind}", loc="left")
        axes.set(xlabel="epoch", ylabel=kind)
        if kind == "accuracy":
            axes.set_ylim(0, 1.01)
        else:
            axes.set_ylim(bottom=0)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(6, max(1, len(names))), frameon=False)
    return png_of(figure)


def _lines(axes: Axes, histories: Mapping[str, History], column: str) -> None:
    for place, (name, history) in enumerate(histories.items()):
        style, marker = STYLES[place // len(LINES) % len(STYLES)], MARKERS[place % len(MARKERS)]
        axes.plot(
            [row["epoch"] for row in history], [row[column] for row in history], color=LINES[place % len(LINES)], linestyle=style,
            linewidth=1.8, marker=marker, markersize=5, markevery=max(1, len(history) // MARKED), label=name,
        )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=FAINT, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
