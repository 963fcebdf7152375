"""Charts of a dataset: how many of each class, how large, how bright, and which parts share pictures."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from ferstream.training.common.plotting import FAINT, INK, LINES, OVER, STYLES, UNDER, png_of

ACROSS = 4  # panels beside each other


def counts_chart(counts: Mapping[str, Mapping[str, int]]) -> bytes:
    """The PNG of one panel of bars for each part ({part: {class: pictures}}), red and hatched under its mean, green above.

    A class that no part has is not in the means: FER-2013 knows no contempt.
    """
    columns = min(len(counts), ACROSS)
    rows = -(-len(counts) // columns)
    classes = len(next(iter(counts.values())))
    known = np.array([list(part.values()) for part in counts.values()]).sum(axis=0) > 0
    figure = Figure(figsize=(1.5 + 3.4 * columns, rows * (0.9 + 0.3 * classes)), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for place, axes in enumerate(panels.flat):
        if place < len(counts):
            part = list(counts)[place]
            _bars(axes, part, counts[part], known, named=place % columns == 0)
        else:
            axes.set_axis_off()
    return png_of(figure, 110)


def _bars(axes: Axes, part: str, counts: Mapping[str, int], known: NDArray[np.bool_], *, named: bool) -> None:
    values = np.array(list(counts.values()), np.int64)
    mean, places = float(values[known].mean()), np.arange(len(values))
    total = int(values.sum())
    for wanted, colour, hatch in ((values < mean, UNDER, "///"), (values >= mean, OVER, "")):
        axes.barh(places[wanted], values[wanted], 0.74, color=colour, edgecolor="white", linewidth=0, hatch=hatch)
    axes.axvline(mean, color=INK, linestyle="--", linewidth=1)
    for place, value in enumerate(values):
        text = f"{value:,}  {share_text(int(value), total)}" if value else "none"
        axes.annotate(
            text, (value, place), (4, 0), textcoords="offset points", va="center", fontsize=8,
            color=INK if value else UNDER, weight="normal" if value else "bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2}, zorder=4,
        )  # fmt: skip
    average = f"{mean:,.0f}" if mean >= 10 else f"{mean:.3g}"
    axes.set_title(f"{part}: {total:,}, mean of a class {average}", fontsize=9, loc="left", color=INK)
    axes.set_yticks(places, list(counts) if named else [""] * len(counts), fontsize=9)
    axes.set(ylim=(len(values) - 0.45, -0.55), xlim=(0, max(1, values.max()) * 1.42))
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
    _plain(axes)


def share_text(part: int, whole: int) -> str:
    """A share of a whole in percent, as people read it: what is there is never 0 %, and what is not all never 100 %."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < share < 100 else f"{share:.1f} %"


def sizes_chart(sizes: Mapping[tuple[int, int], int]) -> bytes:
    """The PNG of widths over heights in pixels, a circle's area the number of pictures of that size."""
    figure = Figure(figsize=(6.4, 5), layout="constrained")
    axes = figure.subplots()
    shapes, counts = np.array(list(sizes), np.float64), np.array(list(sizes.values()), np.float64)
    areas = 14 + 900 * counts / counts.max()
    axes.scatter(shapes[:, 0], shapes[:, 1], s=areas, color=LINES[0], alpha=0.35, edgecolor=LINES[0], linewidth=0.8)
    least, most = shapes.min() / 1.35, shapes.max() * 1.35
    axes.plot([least, most], [least, most], color=FAINT, linestyle=":", linewidth=1, zorder=0)
    axes.set(xscale="log", yscale="log", xlim=(least, most), ylim=(least, most), xlabel="width, px", ylabel="height, px")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(_ticks(least, most))
        axis.set_ticks([], minor=True)
        axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
    axes.set_aspect("equal")
    axes.set_title(f"{int(counts.sum()):,} pictures of {len(sizes):,} sizes; the dotted line is square", fontsize=9, loc="left")
    _plain(axes)
    return png_of(figure, 110)


def _ticks(least: float, most: float) -> list[float]:
    """Round numbers between two sides in pixels: 1, 2, 5, 10 where they span more than a decade, halves of an octave else."""
    steps = [m * 10.0**e for e in range(6) for m in (1, 2, 5)]
    ticks = [step for step in steps if least <= step <= most]
    return ticks if len(ticks) > 2 else [round(float(value)) for value in np.geomspace(math.ceil(least), most, 4)]


def brightness_chart(histograms: Mapping[str, NDArray[np.int64]]) -> bytes:
    """The PNG of how bright the pictures of each part are: {part: pictures by brightness, in equal bins from 0 to 1}."""
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for place, (part, counts) in enumerate(histograms.items()):
        shares, edges = counts / max(1, counts.sum()), np.linspace(0, 1, len(counts) + 1)
        colour, style = LINES[place % len(LINES)], STYLES[place // len(LINES) % len(STYLES)]
        axes.stairs(shares, edges, color=colour, linestyle=style, linewidth=1.6, label=part)
    axes.set(xlabel="mean brightness of a picture, 0 black to 1 white", ylabel="share of the pictures", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:.0%}"))
    axes.legend(frameon=False, fontsize=8)
    _plain(axes)
    return png_of(figure, 110)


def shared_chart(matrices: Mapping[str, tuple[Sequence[str], NDArray[np.int64]]]) -> bytes:
    """The PNG of one square of numbers for each title: {title: (names of the parts, clusters with a picture in both parts)}."""
    sides = [1.7 + 0.66 * len(names) for names, _ in matrices.values()]
    figure = Figure(figsize=(sum(sides) + 0.6, max(sides) + 0.1), layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False, width_ratios=sides)
    for axes, (title, (names, counts)) in zip(panels.flat, matrices.items(), strict=True):
        _square(axes, title, names, counts)
    return png_of(figure, 110)


def _square(axes: Axes, title: str, names: Sequence[str], counts: NDArray[np.int64]) -> None:
    depth = np.ma.masked_equal(np.log1p(counts), 0)
    axes.imshow(depth, cmap="Oranges", vmin=-2, vmax=max(1.0, 2 * float(np.log1p(counts).max())))
    for (row, column), count in np.ndenumerate(counts):
        colour = INK if count else FAINT
        axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=FAINT, linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=9, loc="left", pad=8)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(color=FAINT, labelsize=8)
