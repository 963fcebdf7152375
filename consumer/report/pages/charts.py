"""The charts of a report. Each is drawn once, and kept as SVG in the page and as PNG beside it."""

import io
import math
from collections.abc import Sequence
from typing import Any

from ferstream.consumer.report.colours import FAINT, INK, LINES, LOOKS, PAPER
from ferstream.consumer.report.numbers.timeline import Timeline
from ferstream.consumer.report.pages.heat_map import HeatMap
from ferstream.consumer.report.pages.svg import any_letters
from ferstream.consumer.report.pages.wording import Clock, short

#: Steps that a timeline is drawn with at most: more could not be told apart.
_DRAWN = 160
_WIDE = 7.6  # inches, of 72 points
_STYLE = {"font.size": 9, "font.family": "sans-serif", "hatch.linewidth": 0.4, "axes.linewidth": 0.6, "text.parse_math": False}


def timeline_chart(timeline: Timeline, clock: Clock, *, together: bool) -> Any:  # noqa: ANN401 - a Figure of matplotlib
    """People in each emotion over time, stacked, with most people at once as a line; stretches without results are hatched.

    The timeline is that of one camera, or of all `together`.
    """
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        figure = _figure(2.9)
        axes = figure.subplots()
        edges, layers, most, missing = _drawn(timeline, together=together)
        below = [0.0] * len(most)
        for name, (colour, hatch) in LOOKS.items():
            if not any(layers[name]):
                continue
            above = [low + more for low, more in zip(below, layers[name], strict=True)]
            axes.fill_between(
                edges, [*below, below[-1]], [*above, above[-1]], step="post", label=name,
                facecolor=colour, hatch=hatch, edgecolor=LINES, linewidth=0.0,
            )  # fmt: skip
            below = above
        if not together:  # of all, nobody knows how many there were at once
            axes.step(edges, [*most, most[-1]], where="post", color=INK, linewidth=0.7, label="most at once")
        top = max([1, *below, *([] if together else most)]) * 1.08
        for begin, end in missing:
            axes.fill_between([begin, end], 0, top, facecolor="none", hatch="////", edgecolor=FAINT, linewidth=0.0, alpha=0.5)
        period = timeline.period
        axes.set(xlim=(period.start, period.end), ylim=(0, top), ylabel="people")
        axes.yaxis.get_major_locator().set_params(integer=True)
        _time_axis(axes, period.start, period.end, clock)
        handles, labels = axes.get_legend_handles_labels()
        if missing:
            handles.append(mpl.patches.Patch(facecolor="none", hatch="////", edgecolor=FAINT, linewidth=0.0))
            labels.append("no results")
        _plain(axes)
        figure.legend(
            handles, labels, loc="outside upper left", ncols=6, frameon=False, handlelength=1.6, fontsize=8.5, labelcolor=INK
        )
    return figure


def heat_chart(heat: HeatMap) -> Any:  # noqa: ANN401 - a Figure of matplotlib
    """Rows against times, each cell with its number. Cells without results are hatched."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        rows, columns = len(heat.rows), len(heat.columns)
        figure = _figure(0.62 + 0.27 * rows)
        axes = figure.subplots()
        highest = max([value for row in heat.cells for value in row if value is not None], default=0.0) or 1.0
        for y, row in enumerate(heat.cells):
            for x, value in enumerate(row):
                _cell(axes, x, y, value, highest, heat)
        axes.set(xlim=(0, columns), ylim=(rows, 0))
        axes.set_yticks([y + 0.5 for y in range(rows)], [short(name) for name in heat.rows])
        shown = range(0, columns, max(1, math.ceil(columns / 12)))
        axes.set_xticks([x + 0.5 for x in shown], [heat.columns[x] for x in shown])
        axes.set_xlabel(heat.axis)
        axes.tick_params(length=0)
        _plain(axes)
        axes.spines[:].set_visible(False)
    return figure


def png(figure: Any) -> bytes:  # noqa: ANN401 - a Figure of matplotlib
    """The chart as a picture on white."""
    file = io.BytesIO()
    with any_letters():
        figure.savefig(file, format="png", dpi=130, facecolor="white", metadata={"Software": None})
    return file.getvalue()


def _figure(high: float) -> Any:  # noqa: ANN401 - a Figure of matplotlib
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDE, high), layout="constrained")


def _cell(axes: Any, x: int, y: int, value: float | None, highest: float, heat: HeatMap) -> None:  # noqa: ANN401
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    if value is None:
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor="none", hatch="////", edgecolor=FAINT, linewidth=0.0))
        return
    red, green, blue, _ = mpl.colormaps["cividis"](value / highest)
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=(red, green, blue), edgecolor=PAPER, linewidth=1.0))
    bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
    axes.text(x + 0.5, y + 0.5, heat.shown(value), ha="center", va="center", fontsize=8, color="#000000" if bright else "#ffffff")


def _drawn(
    timeline: Timeline, *, together: bool
) -> tuple[list[float], dict[str, list[float]], list[int], list[tuple[float, float]]]:
    """Edges of the steps that are drawn; in each the people by emotion, and most at once; and stretches without results."""
    period, size = timeline.period, math.ceil(timeline.period.steps / _DRAWN)
    parts = [range(step, min(step + size, period.steps)) for step in range(0, period.steps, size)]
    edges = [max(period.start, period.begin(part[0])) for part in parts] + [period.end]
    covered = [sum(timeline.covered[step] for step in part) for part in parts]
    # Of one camera people while there were results; of all together what they saw in that time.
    lasted = [sum(period.length(step) for step in part) for part in parts] if together else covered
    layers = {
        name: [_mean(values, part, of) for part, of in zip(parts, lasted, strict=True)]
        for name, values in timeline.emotions.items()
    }
    most = [max(timeline.people_max[step] for step in part) for part in parts]
    missing = [(begin, end) for begin, end, seconds in zip(edges, edges[1:], covered, strict=False) if not seconds]
    return edges, layers, most, _joined(missing)


def _mean(values: Sequence[float], part: range, seconds: float) -> float:
    return sum(values[step] for step in part) / seconds if seconds else 0.0


def _joined(stretches: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for begin, end in stretches:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _time_axis(axes: Any, start: float, end: float, clock: Clock) -> None:  # noqa: ANN401
    marks = clock.marks(start, end)
    axes.set_xticks([at for at, _ in marks], [text for _, text in marks])
    axes.set_xlabel("time in the file" if clock.is_media else f"time of day, {clock.zone_name(start)}")


def _plain(axes: Any) -> None:  # noqa: ANN401
    """The page's ink, and no more lines than are needed."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(FAINT)
    axes.tick_params(colors=INK, width=0.6)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
