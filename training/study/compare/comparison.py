"""Runs side by side: their sizes, figures and histories, and whether their differences are more than chance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ferstream.streams.service.named_file import as_text
from ferstream.training.study.compare.mcnemar import Pair, holm
from ferstream.training.study.evaluate.complexity import Complexity, complexity
from ferstream.training.study.records.published import STUDY
from ferstream.training.study.records.report_folder import REPORT, Predictions, ReportFolder
from ferstream.training.study.records.run_folder import CONFIG, EVALUATION, RunFolder, RunFolderError
from ferstream.training.trainer.history import EpochRow
from ferstream.workers.models.card import CARD

EVALUATE = "fer-train classifier evaluate"


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """What is known of one run, or of one report without a run."""

    name: str
    folder: Path
    size: Complexity
    history: list[EpochRow]  # empty where there is no run
    report: dict[str, Any] | None  # None where it was not evaluated
    predictions: Predictions | None
    stale: bool = False  # the run has other weights by now than those that were evaluated

    @classmethod
    def of(cls, folder: Path, name: str) -> "ComparedRun":
        """The run or report in a folder. Raises RunFolderError, ShapeError, which say what to do."""
        if (folder / CONFIG).exists():
            run = RunFolder(folder)
            report, history, size = run.report_folder(), run.history(), complexity(run.card())
            stale = report is not None and not report.is_of(run.weights_digest())
        elif (folder / REPORT).exists():
            report, history, stale = ReportFolder(folder), [], False
            size = Complexity(int(report.figures["parameters"]), int(report.figures["flops"]))
        else:
            raise RunFolderError(_nothing_in(folder))
        if report is None:
            return cls(name, folder, size, history, None, None)
        return cls(name, folder, size, history, report.figures, report.predictions, stale)

    @property
    def faces(self) -> str:
        """The digest of the faces that it was measured on, whatever the folder was called that they were in."""
        return str(self.report["dataset"]["digest"]) if self.report else ""


@dataclass(frozen=True)
class Comparison:
    """Runs, and reports without one, in the order they were named."""

    runs: tuple[ComparedRun, ...]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> "Comparison":
        """The runs in these folders. Raises RunFolderError."""
        whole = [folder.resolve() for folder in folders]
        names = [as_text(folder.parent.name if folder.name == EVALUATION else folder.name) for folder in whole]
        unique = [name if names.count(name) == 1 else as_text(str(folder)) for name, folder in zip(names, folders, strict=True)]
        if len(set(unique)) < len(unique):
            raise RunFolderError("a run is named twice: name each once")
        return cls(tuple(ComparedRun.of(folder, name) for folder, name in zip(folders, unique, strict=True)))

    @property
    def measured(self) -> list[ComparedRun]:
        """The runs that were evaluated."""
        return [run for run in self.runs if run.report is not None]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Each two that were measured on the same faces, in McNemar's test."""
        tested = [
            Pair.of(one.name, two.name, one.predictions.right, two.predictions.right)
            for one, two in combinations(self.measured, 2)
            if one.predictions is not None and two.predictions is not None and one.predictions.same_faces(two.predictions)
        ]
        return holm(tested)

    def remarks(self) -> list[str]:
        """What a reader must know before the figures: runs without an evaluation, and faces that are not the same."""
        said = [
            f"{run.name} was not evaluated: {EVALUATE} --weights {run.folder} --dataset DATASET --split test"
            for run in self.runs
            if run.report is None
        ]
        said += [
            f"{run.name} WAS EVALUATED WITH OTHER WEIGHTS THAN IT HAS NOW, so that its figures are not its own: evaluate "
            f"again, {EVALUATE} --weights {run.folder} --dataset DATASET --split {run.report['dataset']['split']}"
            for run in self.measured
            if run.stale and run.report
        ]
        if len(faces := {run.faces: _data_text(run) for run in self.measured}) > 1:
            alike = {digest: ", ".join(run.name for run in self.measured if run.faces == digest) for digest in faces}
            on = "; ".join(f"{alike[digest]} on {text}" for digest, text in faces.items())
            said.append(f"NOT MEASURED ON THE SAME FACES, so that their figures cannot be set against each other: {on}")
        return said

    def figures(self) -> dict[str, Any]:
        """The content of `comparison.json`: runs, pairs, remarks, and the study's Table 1."""
        return {
            "runs": [_figures_of(run) for run in self.runs],
            "pairs": [pair.figures() for pair in self.pairs],
            "remarks": self.remarks(),
            "study": [asdict(model) for model in STUDY],
        }


def confusion_of(run: ComparedRun) -> Any:  # noqa: ANN401 - an array (8, 8)
    """The confusion matrix (8, 8) of an evaluated run, counts with labels as rows."""
    return np.array(run.report["confusion"] if run.report else [], np.int64)


def _data_text(run: ComparedRun) -> str:
    report = run.report or {}
    data = report["dataset"]
    return f"{data['name']}, {data['split']} ({report['n']:,} faces, {data['digest'][:6]})"


def _figures_of(run: ComparedRun) -> dict[str, Any]:
    best = max(run.history, key=lambda row: row["val_accuracy"], default=None)  # none where there is no run
    return {
        "name": run.name,
        "parameters": run.size.parameters,
        "flops": run.size.flops,
        "epochs": len(run.history),
        "best_epoch": best and int(best["epoch"]),
        "best_val_accuracy": best and best["val_accuracy"],
        "stale": run.stale,
        "report": run.report,
    }


def _nothing_in(folder: Path) -> str:
    if (folder / CARD).exists():
        return (
            f"{folder} is a model folder, which has no run and no report: measure it with {EVALUATE} --weights {folder} "
            "--dataset DATASET --out REPORT, and name REPORT here"
        )
    return f"there is neither a run nor a report in {folder}"
