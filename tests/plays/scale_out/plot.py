"""The story as a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.plays.scale_out.caption import account_line
from tests.plays.scale_out.recorder import OBJECTIVE_S, Row
from tests.plays.scale_out.story import Story

INK, AGE, TAIL, ANSWERED, OFFERED, LOST, WORKERS = "#24292f", "#0969da", "#8250df", "#1a7f37", "#6e7781", "#cf222e", "#9a6700"


def draw(story: Story, file: Path) -> None:
    """Four panels over one time axis: ages, rates, workers, the account. Writes a PNG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 10, "axes.edgecolor": OFFERED, "axes.grid": True, "grid.alpha": 0.3}):
        figure = Figure(figsize=(12, 10), layout="constrained")
        axes: Any = figure.subplots(4, 1, sharex=True, height_ratios=(3.2, 3.2, 1.6, 2.4))
        for panel, axis in zip((_ages, _rates, _workers, _account), axes, strict=True):
            panel(story, axis)
            _chapters(story, axis)
            axis.spines[["top", "right"]].set_visible(False)
        _titles(story, axes[0])
        axes[-1].set_xlabel("seconds since the start")
        axes[-1].set_xlim(0, story.chapters[-1].to_s)
        figure.suptitle("Scaling out under load: workers 1 \N{RIGHTWARDS ARROW} 3 \N{RIGHTWARDS ARROW} 1", fontsize=15)
        figure.savefig(file, dpi=110)


def _series(story: Story, column: str) -> tuple[list[float], list[float]]:
    seconds = [float(row["second"] or 0) for row in story.rows]
    return seconds, [float("nan") if row[column] is None else float(row[column] or 0) for row in story.rows]


def _ages(story: Story, axis: Any) -> None:
    axis.plot(*_series(story, "answered_p95_s"), color=TAIL, label="capture to result, p95", linewidth=1.3)
    axis.plot(*_series(story, "age_read_p95_s"), color=AGE, label="age when a worker reads it, p95", linewidth=2)
    axis.plot(*_series(story, "age_read_p50_s"), color=AGE, label="the same, p50", linewidth=1.2, linestyle="--")
    axis.axhline(OBJECTIVE_S, color=LOST, linewidth=1, linestyle=":", label=f"objective: {OBJECTIVE_S:g} s")
    axis.set_ylabel("seconds")
    axis.set_ylim(0, 6)
    axis.legend(loc="upper right", ncols=4, fontsize=8.5)


def _rates(story: Story, axis: Any) -> None:
    axis.plot(*_series(story, "offered_per_s"), color=OFFERED, label="from the cameras", linewidth=1.5)
    axis.plot(*_series(story, "answered_per_s"), color=ANSWERED, label="answered", linewidth=2)
    axis.fill_between(*_series(story, "given_up_per_s"), color=LOST, alpha=0.5, label="given up, too old", linewidth=0)
    axis.set_ylabel("frames a second")
    axis.set_ylim(0)
    axis.legend(loc="upper right", ncols=3, fontsize=8.5)


def _workers(story: Story, axis: Any) -> None:
    axis.step(*_series(story, "workers"), where="post", color=WORKERS, linewidth=2)
    axis.set_ylabel("workers")
    axis.set_ylim(0, 6.2)
    axis.set_yticks([0, 1, 2, 3])
    for number, (seconds, what) in enumerate(story.events):
        axis.annotate(f" {what}", (seconds, 5.6 - 0.9 * (number % 3)), fontsize=8, color=INK, va="center")
        axis.axvline(seconds, color=INK, linewidth=0.7, linestyle=":")


def _account(story: Story, axis: Any) -> None:
    columns: dict[str, tuple[str, Callable[[Row], float]]] = {
        "published": (ANSWERED, lambda row: _number(row, "published")),
        "expired at a worker": ("#bf8700", lambda row: _number(row, "expired")),
        "withdrawn by its producer": (LOST, lambda row: sum(_number(row, name) for name in row if name.startswith("dropped_"))),
        "in Redis": (AGE, lambda row: _number(row, "waiting")),
    }
    seconds = [_number(row, "second") for row in story.rows]
    layers = [[value(row) for row in story.rows] for _, value in columns.values()]
    axis.stackplot(seconds, layers, labels=list(columns), colors=[colour for colour, _ in columns.values()], alpha=0.6)
    axis.plot(*_series(story, "captured"), color=INK, linewidth=1.2, label="captured")
    axis.set_ylabel("frames so far")
    axis.legend(loc="upper left", ncols=2, fontsize=8.5)
    if story.account:
        axis.set_title(f"At the end: {account_line(story.account)}; balance {story.account.balance}", fontsize=9.5, loc="left")


def _number(row: Row, column: str) -> float:
    return float(row[column] or 0)


def _chapters(story: Story, axis: Any) -> None:
    for index, chapter in enumerate(story.chapters):
        axis.axvspan(chapter.from_s, chapter.to_s, color="#d0d7de" if index % 2 else "white", alpha=0.4, zorder=0, linewidth=0)


def _titles(story: Story, axis: Any) -> None:
    for chapter in story.chapters:
        share = f"{story.share_in_time(chapter.title):.0%} in time"
        axis.annotate(
            f"{chapter.title}\n{share}",
            ((chapter.from_s + chapter.to_s) / 2, 1.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=9.5,
        )
