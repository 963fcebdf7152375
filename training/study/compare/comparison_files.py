"""What a comparison leaves in a folder: one page, its pictures, and its figures for programs."""

from pathlib import Path

from ferstream.training.study.compare.comparison import Comparison, Entry, confusion_of
from ferstream.training.study.compare.comparison_page import comparison_page
from ferstream.training.study.compare.comparison_plots import curves_png
from ferstream.training.study.evaluate.evaluation_files import PAGE, make_folder, write_bytes, write_csv, write_json
from ferstream.training.study.evaluate.evaluation_plots import confusion_png
from ferstream.training.study.records.accuracies import ACCURACIES

_HEAD = ("model", "parameters", "flops", "n", *(f"accuracy_{name}{end}" for name in ACCURACIES for end in ("", "_from", "_to")),
         "precision_weighted", "recall_weighted", "f1_weighted", "f1_macro", "ece", "nll", "faces_per_s")  # fmt: skip


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write everything into `folder`; returns the page. Raises WriteError."""
    make_folder(folder)
    pictures = {f"confusion-{place}": confusion_png(confusion_of(entry)) for place, entry in enumerate(comparison.measured, 1)}
    if any(entry.history for entry in comparison.entries):
        pictures |= {kind: curves_png(comparison, kind) for kind in ("accuracy", "loss")}
    for name, png in pictures.items():
        write_bytes(folder / f"{name}.png", png)
    write_csv(folder / "comparison.csv", _HEAD, (_row(entry) for entry in comparison.entries))
    write_json(folder / "comparison.json", comparison.figures())
    return comparison_page(comparison, pictures).write(folder / PAGE)


def _row(entry: Entry) -> list[object]:
    size: list[object] = [entry.name, entry.size.parameters, entry.size.flops]
    if entry.report is None:
        return size
    report = entry.report
    accuracies = [report["accuracy"][name][key] for name in ACCURACIES for key in ("accuracy", "from", "to")]
    weighted = [report["averages"]["weighted"][key] for key in ("precision", "recall", "f1")]
    rest = [report["averages"]["macro"]["f1"], report["calibration"]["ece"], report["calibration"]["nll"]]
    return [*size, report["n"], *accuracies, *weighted, *rest, report["throughput"]["faces_per_s"]]
