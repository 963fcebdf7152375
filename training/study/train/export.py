"""From a run to a model folder that workers serve."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ferstream.training.release.card_page import write_page
from ferstream.training.release.licences import expression_sources
from ferstream.training.release.package import package, replacing
from ferstream.training.study.records.run_folder import RunFolder
from ferstream.workers.models.card import ModelCard

#: What a report says of a run that its card repeats.
FIGURES = ("n", "accuracy", "averages", "calibration", "per_class", "by_source", "by_group")

LIMITS = (
    "It names the apparent expression of a face as the annotators of its pictures would, not what a person feels or means.",
    "It must not be used to infer emotions at work or in education (banned by Article 5(1)(f) of the EU AI Act), nor to judge, "
    "rank, hire, diagnose or watch over anybody.",
    "Probabilities are calibrated on its own dataset, if at all (see the temperature); on other cameras they may be off.",
)
#: What it does instead of taking over temperature and figures, and why.
UNMEASURED = "Nobody has measured it: its probabilities are not calibrated, and it has no figures."


@dataclass(frozen=True, slots=True)
class Export:
    """The card of a model folder, and what the person who made it has to know; "" where all is well."""

    card: ModelCard
    remark: str


def export_run(run: RunFolder, folder: Path) -> Export:
    """Write the model folder of the run's best weights, whole or not at all.

    Both forms of the weights, safetensors and ONNX, have answered the same crops alike when it is written. The card takes its
    temperature and figures from the run's evaluation, if there is one of these weights. Raises RunFolderError, ShapeError,
    ModelError.
    """
    described, net = described_run(run), run.net()
    with replacing(folder) as fresh:
        card = package(net, described.card, fresh, largest_bytes=math.inf)
        write_page(card, fresh)
    return Export(card, described.remark)


def described_run(run: RunFolder) -> Export:
    """The card without what packaging adds: files and their digests. Raises RunFolderError, ShapeError."""
    card, environment, found = run.card(), run.environment(), run.report_folder()
    card = replace(
        card, data=expression_sources(environment["dataset"]["sources"]), limits=LIMITS, retrain=environment["command"]
    )
    if found is not None and found.is_of(run.weights_digest()):
        return Export(replace(card, **_measured(found.figures)), "")
    why = "nobody has measured it yet" if found is None else f"{found.path} is of other weights than the run has now"
    remark = (
        f"without calibrated probabilities and figures: {why}. Evaluate it and export again: "
        f"fer-train classifier evaluate --weights {run.path} --dataset DATASET --split test"
    )
    return Export(replace(card, limits=(*LIMITS, UNMEASURED)), remark)


def _measured(report: dict[str, Any]) -> dict[str, Any]:
    dataset = report["dataset"]
    return {
        "temperature": round(report["calibration"]["used"], 4),
        "figures": {dataset["split"]: {name: report[name] for name in FIGURES if report.get(name)}},
        "command": f"fer-train classifier evaluate --weights MODEL --dataset {dataset['name']} --split {dataset['split']}",
    }
