"""Draws docs/pictures/way_of_a_frame.png, threads, queues and streams: `python -m tests.plays.draw_architecture`."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as MplPath

from tests.plays.draw_fleet import INK, PICTURES, QUIET, RESULTS, Box, draw_box
from tests.support.paths import ROOT

THREAD, QUEUE, STREAM, PANEL = "#ddf4ff", "#fff8c5", "#ffebe9", "#fbfcfd"

PANELS = (
    Box(1, 35, 24, 63, "fer-producer", "two threads a camera", PANEL),
    Box(31, 3, 16, 95, "Redis", "", PANEL),
    Box(53, 35, 46, 63, "fer-worker", "a thread reads, each stage has its own, one publishes", PANEL),
    Box(53, 3, 46, 26, "fer-consumer, or your program", "", PANEL),
)
BOXES = (
    Box(3, 77, 20, 10, "capture", "sources/, capture.py", THREAD),
    Box(3, 60, 20, 10, "latest frame", "room for one", QUEUE),
    Box(3, 39, 20, 14, "publish", "encoder.py, publisher.py\nstreams/frames/writer.py", THREAD),
    Box(32.5, 68, 13, 15, "fer:frames:{k}", "until answered,\nor too old", STREAM),
    Box(32.5, 38, 13, 13, "fer:dead:{k}", "reasons", STREAM),
    Box(32.5, 8, 13, 13, "fer:results:{k}", "ten minutes", STREAM),
    Box(54.5, 74, 11, 13, "read", "intake/\nframes/reader.py", THREAD),
    Box(68, 74, 8.5, 13, "frames", "cameras\nin turn", QUEUE),
    Box(79, 74, 8, 13, "decode", "n threads,\nto RGB", THREAD),
    Box(90.5, 74, 7.5, 13, "pictures", "RGB", QUEUE),
    Box(87, 55, 11, 13, "detect, crop", "n threads,\nmodels/, faces/", THREAD),
    Box(77, 55, 7.5, 13, "faces", "crops", QUEUE),
    Box(65.5, 55, 9, 13, "classify", "n threads,\nin batches", THREAD),
    Box(54.5, 55, 8.5, 13, "finished", "frames", QUEUE),
    Box(54.5, 37.5, 18, 12, "publish", "result_publisher.py\nstreams/frames/finish.py", THREAD),
    Box(54.5, 7, 17, 14, "subscribe", "session, result buffer,\nreorder", THREAD),
    Box(76, 7, 21, 14, "your code", "tracking/, terminal/, log/,\nor a loop over results", THREAD),
)
#: Corners from start to end, and colour.
ARROWS: tuple[tuple[tuple[tuple[float, float], ...], str], ...] = (
    (((13, 77), (13, 70)), PICTURES),
    (((13, 60), (13, 53)), PICTURES),
    (((23, 46), (28, 46), (28, 75), (32.5, 75)), PICTURES),
    (((45.5, 80), (54.5, 80)), PICTURES),
    (((65.5, 80), (68, 80)), PICTURES),
    (((76.5, 80), (79, 80)), PICTURES),
    (((87, 80), (90.5, 80)), PICTURES),
    (((94.5, 74), (94.5, 68)), PICTURES),
    (((87, 61.5), (84.5, 61.5)), PICTURES),
    (((77, 61.5), (74.5, 61.5)), PICTURES),
    (((65.5, 61.5), (63, 61.5)), RESULTS),
    (((58.5, 55), (58.5, 49.5)), RESULTS),
    (((54.5, 44.5), (45.5, 44.5)), RESULTS),
    (((54.5, 40), (50, 40), (50, 17), (45.5, 17)), RESULTS),
    (((45.5, 12), (54.5, 12)), RESULTS),
    (((71.5, 14), (76, 14)), RESULTS),
)


def main() -> None:
    """Write the picture."""
    figure = Figure(figsize=(13, 7.0))
    axis: Any = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, 100), ylim=(0, 100))
    axis.axis("off")
    for box in (*PANELS, *BOXES):
        draw_box(axis, box)
    for corners, colour in ARROWS:
        arrow = FancyArrowPatch(
            path=MplPath(corners),
            arrowstyle="-|>",
            mutation_scale=14,
            linewidth=1.8,
            edgecolor=colour,
            facecolor=colour,
            fill=False,
        )
        arrow.set_zorder(4)
        axis.add_patch(arrow)
    for x, (fill, text) in zip((2, 8.5, 15), ((THREAD, "threads"), (QUEUE, "queues"), (STREAM, "streams")), strict=True):
        axis.text(
            x,
            24,
            text,
            fontsize=9.5,
            color=INK,
            bbox={"facecolor": fill, "edgecolor": INK, "boxstyle": "round", "linewidth": 0.8},
        )
    axis.text(1.5, 17, "red: pictures of people", fontsize=9.5, color=PICTURES)
    axis.text(1.5, 13, "blue: results, no pixels", fontsize=9.5, color=RESULTS)
    axis.text(1.5, 9, "every queue is bounded", fontsize=9.5, color=QUIET)
    figure.savefig(ROOT / "docs" / "pictures" / "way_of_a_frame.png", dpi=100)


if __name__ == "__main__":
    main()
