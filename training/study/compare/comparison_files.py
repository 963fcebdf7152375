"""What a comparison leaves in a folder: one page, its pictures, and its figures for programs."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferstream.streams.service.atomic_file import make_folder
from ferstream.training.common.json_file import write_bytes, write_json
from ferstream.training.common.plotting import FAINT, LINES, STYLES, png_of
from ferstream.training.study.compare.comparison import ComparedRun, Comparison, confusion_of
from ferstream.training.study.compare.comparison_page import comparison_page
from ferstream.training.study.evaluate.evaluation_files import PAGE, write_csv
from ferstream.training.study.evaluate.evaluation_plots import confusion_png
from ferstream.training.study.records.accuracies import ACCURACIES
from ferstream.training.trainer.history import EpochRow

_HEAD = ("model", "parameters", "flops", "n", *(f"accuracy_{name}{end}" for name in ACCURACIES for end in ("", "_from", "_to")),
         "precision_weighted", "recall_weighted", "f1_weighted", "f1_macro", "ece", "nll", "faces_per_s")  # fmt: skip


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write everything into `folder`; returns the page. Raises WriteError."""
    make_folder(folder)
    pictures = {f"confusion-{place}": confusion_png(confusion_of(run)) for place, run in enumerate(comparison.measured, 1)}
    if any(run.history for run in comparison.runs):
        pictures |= {kind: curves_png(comparison, kind) for kind in ("accuracy", "loss")}
    for name, png in pictures.items():
        write_bytes(folder / f"{name}.png", png)
    write_csv(folder / "comparison.csv", _HEAD, (_row(run) for run in comparison.runs))
    write_json(folder / "comparison.json", comparison.figures())
    return comparison_page(comparison, pictures).write(folder / PAGE)


def _row(run: ComparedRun) -> list[object]:
    size: list[object] = [run.name, run.size.parameters, run.size.flops]
    if run.report is None:
        return size
    report = run.report
    accuracies = [report["accuracy"][name][key] for name in ACCURACIES for key in ("accuracy", "from", "to")]
    weighted = [report["averages"]["weighted"][key] for key in ("precision", "recall", "f1")]
    rest = [report["averages"]["macro"]["f1"], report["calibration"]["ece"], report["calibration"]["nll"]]
    return [*size, report["n"], *accuracies, *weighted, *rest, report["throughput"]["faces_per_s"]]


MARKERS = "osD^vPX"
#: Epochs up to which each one has a marker.
MARKED = 40


def curves_png(comparison: Comparison, kind: str) -> bytes:
    """`accuracy` or `loss` over epochs, of training at the left and of validation at the right, one line a run."""
    histories = {run.name: run.history for run in comparison.runs if run.history}
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


def _lines(axes: Axes, histories: Mapping[str, list[EpochRow]], column: str) -> None:
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
