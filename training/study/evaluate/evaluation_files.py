"""What an evaluation leaves in a folder: a report for programs, tables, pictures, and one page for people."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ferstream.streams.service.atomic_file import make_folder
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.json_file import write_bytes, write_json
from ferstream.training.study.evaluate.evaluated_model import EvaluatedModel
from ferstream.training.study.evaluate.evaluation import Evaluation
from ferstream.training.study.evaluate.evaluation_page import evaluation_page, parts_of
from ferstream.training.study.evaluate.evaluation_plots import classes_png, confusion_png, reliability_png, shares_png
from ferstream.training.study.evaluate.explanations import caption, chosen_sheet, mistakes_sheet, saliency_sheet, worst_mistakes
from ferstream.training.study.evaluate.grad_cam import SaliencyError
from ferstream.training.study.records.report_folder import PREDICTED, PREDICTIONS, REPORT
from ferstream.workers.models.classifier import softmax

PAGE = "index.html"


def write_evaluation(evaluation: Evaluation, measured: EvaluatedModel, folder: Path, explain: int) -> Path:
    """Write everything into `folder`, the report last; returns the page. Raises WriteError."""
    make_folder(folder)
    maps, without = _maps(evaluation, measured, explain)
    pictures = _pictures(evaluation, measured) | maps
    for name, png in pictures.items():
        write_bytes(folder / f"{name}.png", png)
    figures = evaluation.figures | {"mistakes": _mistakes(evaluation)}
    _write_tables(evaluation, folder)
    page = evaluation_page(figures, pictures, without).write(folder / PAGE)
    write_json(folder / REPORT, figures)
    return page


def write_csv(path: Path, head: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
    """Write a table, whole or not at all. Raises WriteError."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([head, *rows])
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))


def _pictures(evaluation: Evaluation, measured: EvaluatedModel) -> dict[str, bytes]:
    figures, counted, labels = evaluation.figures, evaluation.counted, evaluation.faces.labels
    before, overall = softmax(evaluation.logits), figures["accuracy"]["eight"]["accuracy"]
    found = {
        "confusion": confusion_png(np.array(figures["confusion"])),
        "classes": classes_png(figures["per_class"]),
        "reliability": reliability_png(before[counted], evaluation.probabilities[counted], labels[counted]),
    }
    found |= {name: shares_png(shares, overall) for _, shares, name in parts_of(figures)}
    if mistakes := mistakes_sheet(evaluation, measured.classifier.card.input_size):
        found["mistakes"] = mistakes
    return found


def _maps(evaluation: Evaluation, measured: EvaluatedModel, explain: int) -> tuple[dict[str, bytes], str]:
    """The sheets of what answers draw on, or none and the reason."""
    found = {}
    try:
        if evaluation.chosen:
            found["chosen"] = chosen_sheet(evaluation, measured)
        if explain:
            found["saliency"] = saliency_sheet(evaluation, measured, explain)
    except SaliencyError as error:  # the figures are the same without them, and the page says why
        return {}, str(error)
    return found, "" if found else "none were asked for"


def _write_tables(evaluation: Evaluation, folder: Path) -> None:
    figures, faces = evaluation.figures, evaluation.faces
    per_class: dict[str, dict[str, Any]] = figures["per_class"]
    columns = list(next(iter(per_class.values())))
    write_csv(folder / "per_class.csv", ["emotion", *columns], ([name, *row.values()] for name, row in per_class.items()))
    confusion = ([name, *row] for name, row in zip(EMOTIONS, figures["confusion"], strict=True))
    write_csv(folder / "confusion.csv", ["label", *EMOTIONS], confusion)
    answers = [EMOTIONS[answer] for answer in evaluation.logits.argmax(axis=1)]
    probabilities = [[f"{value:.6f}" for value in row] for row in evaluation.probabilities]
    rows = zip(faces.origins, faces.sources, faces.names(), answers, probabilities, strict=True)
    write_csv(folder / PREDICTIONS, [*PREDICTED, *EMOTIONS], ([*row[:4], *row[4]] for row in rows))


def _mistakes(evaluation: Evaluation) -> list[dict[str, str]]:
    faces = evaluation.faces
    return [
        {"origin": faces.origins[place], "source": faces.sources[place], "answer": caption(evaluation, place).replace("\n", " ")}
        for place in worst_mistakes(evaluation).tolist()
    ]
