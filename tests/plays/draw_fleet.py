"""Draws deploy/pictures/fleet.png, the picture of the fleet: `python -m tests.plays.draw_fleet`."""

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as MplPath

from tests.support.paths import ROOT

INK, QUIET, PAPER = "#24292f", "#57606a", "#ffffff"
PICTURES, RESULTS, METRICS, SCALING = "#cf222e", "#0969da", "#8c959f", "#9a6700"
KINDS = {
    PICTURES: ("pictures of people: video, frames", "-", 3.0),
    RESULTS: ("results: boxes and emotions, no pixels", "-", 2.0),
    METRICS: ("metrics", "-", 1.2),
    SCALING: ("number of workers (Kubernetes)", "--", 1.6),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the fleet: its lower left corner and size, in hundredths of the picture's width and of its height."""

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: str = ""
    fill: str = "#f6f8fa"
    behind: bool = False  # more of the same behind it


BOXES = (
    Box(1, 62, 12, 22, "cameras", "RTSP, HTTP, USB\n\ntest camera\nport 8554", "#fff5f5"),
    Box(20, 62, 14, 22, "fer-producer", "port 9101\n\none part of\ncameras.yaml each", "#fff5f5", behind=True),
    Box(42, 49, 18, 46, "Redis", "port 6379, TLS 6380"),
    Box(43.5, 72.5, 15, 13, "fer:frames:{k}", "gone once answered,\nor too old (5 s)", "#fff5f5"),
    Box(43.5, 61.5, 15, 9, "fer:results:{k}", "ten minutes", "#ddf4ff"),
    Box(43.5, 50.5, 15, 9, "fer:dead:{k}", "reasons, no picture", "#ddf4ff"),
    Box(70, 74, 15, 20, "fer-worker", "port 9102\n\nCPU or GPU,\none group", "#fff5f5", behind=True),
    Box(70, 60, 15, 9, "fer-consumer log", "port 9103, to Parquet", "#ddf4ff"),
    Box(70, 48.5, 15, 9, "your programs", "tail, subscribers", "#ddf4ff"),
    Box(42, 35, 18, 9, "redis_exporter", "port 9121"),
    Box(42, 18, 18, 12, "Prometheus", "port 9090\nrules, objective, alerts"),
    Box(42, 3, 18, 9.5, "Grafana", "port 3000, dashboards"),
    Box(70, 13, 15, 12, "KEDA", "on age at read\nand busy ratio", "#fff8c5"),
)

#: Corners from start to end, colour, and what it says beside that point.
ARROWS: tuple[tuple[tuple[tuple[float, float], ...], str, str, tuple[float, float]], ...] = (
    (((13, 73), (20, 73)), PICTURES, "video", (16.5, 74.5)),
    (((35, 79), (43.5, 79)), PICTURES, "JPEG", (38.4, 80.5)),
    (((58.5, 82), (70, 82)), PICTURES, "XREADGROUP", (65.1, 83.5)),
    (((70, 76), (66, 76), (66, 68.5), (58.5, 68.5)), RESULTS, "one MULTI", (63.2, 77)),
    (((58.5, 64.5), (70, 64.5)), RESULTS, "", (0, 0)),
    (((58.5, 64.5), (66, 64.5), (66, 53), (70, 53)), RESULTS, "", (0, 0)),
    (((27, 62), (27, 24), (42, 24)), METRICS, "", (0, 0)),
    (((86, 79), (91, 79), (91, 27.5), (60, 27.5)), METRICS, "", (0, 0)),
    (((85, 64.5), (91, 64.5), (91, 27.5), (60, 27.5)), METRICS, "", (0, 0)),
    (((51, 49), (51, 44)), METRICS, "", (0, 0)),
    (((51, 35), (51, 30)), METRICS, "", (0, 0)),
    (((51, 18), (51, 12.5)), METRICS, "", (0, 0)),
    (((60, 20.5), (70, 20.5)), SCALING, "", (0, 0)),
    (((85, 19), (95, 19), (95, 87), (86, 87)), SCALING, "1 to n", (91, 88.5)),
)


def main() -> None:
    """Write fleet.png beside this file."""
    figure = Figure(figsize=(13, 7.6))
    axis: Any = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, 100), ylim=(0, 100))
    axis.axis("off")
    for box in BOXES:
        draw_box(axis, box)
    for corners, colour, text, beside in ARROWS:
        _, style, width = KINDS[colour]
        axis.add_patch(
            FancyArrowPatch(
                path=MplPath(corners),
                arrowstyle="-|>",
                mutation_scale=12 + 2 * width,
                linewidth=width,
                linestyle=style,
                facecolor=colour,
                edgecolor=colour,
                fill=False,
                zorder=4,
            )
        )
        axis.text(*beside, text, color=colour, fontsize=9, ha="center", zorder=5)
    _draw_legend(axis)
    figure.savefig(ROOT / "deploy" / "pictures" / "fleet.png", dpi=110)


def draw_box(axis: Any, box: Box) -> None:
    """A box with its title and lines, on an axis of a hundred by a hundred."""
    for shift in (0.9, 0.45, 0) if box.behind else (0,):
        axis.add_patch(
            FancyBboxPatch(
                (box.x + shift, box.y + 2 * shift),
                box.width,
                box.height,
                boxstyle="round,pad=0,rounding_size=0.7",
                facecolor=box.fill,
                edgecolor=INK,
                linewidth=1.1,
                zorder=3 - shift,
            )
        )
    middle, top = box.x + box.width / 2, box.y + box.height
    axis.text(middle, top - 1.6, box.title, ha="center", va="top", fontsize=11, fontweight="bold", color=INK, zorder=5)
    axis.text(middle, top - 5.6, box.lines, ha="center", va="top", fontsize=9, color=QUIET, zorder=5, linespacing=1.25)


def _draw_legend(axis: Any) -> None:
    for row, (colour, (text, style, width)) in enumerate(KINDS.items()):
        y = 13.5 - 3.6 * row
        axis.plot((1.5, 5.5), (y, y), color=colour, linestyle=style, linewidth=width)
        axis.text(6.5, y, text, va="center", fontsize=9.5, color=INK)


if __name__ == "__main__":
    main()
