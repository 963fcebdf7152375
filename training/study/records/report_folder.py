"""The folder of an evaluation's report, as comparisons and exports read it."""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.errors import first_line
from ferstream.training.study.records.accuracies import ACCURACIES
from ferstream.training.study.records.shape import (
    COUNT,
    FACTOR,
    NUMBER,
    SHARE,
    TEXT,
    Each,
    Kind,
    Shape,
    ShapeError,
    maybe,
    read_shaped,
)

REPORT = "report.json"
PREDICTIONS = "predictions.csv"
#: Columns of predictions.csv, before the probability of each emotion.
PREDICTED = ("origin", "source", "label", "answer")
#: Of the report for programs: another one is not read.
VERSION = 1
AGAIN = "evaluate again"

_RIGHT: Shape = {"n": COUNT, "right": COUNT, "accuracy": SHARE, "from": SHARE, "to": SHARE}
_MEANS: Shape = {"precision": SHARE, "recall": SHARE, "f1": SHARE}
_COUNTS: list[Shape] = [COUNT] * len(EMOTIONS)
#: What is taken from a report. The digest of weights is null for a model folder.
SHAPE: dict[str, Shape] = {
    "version": Kind(f"{VERSION}, the one that this program reads", lambda value: value == VERSION),
    "model": {"name": TEXT, "weights_sha256": maybe(TEXT)},
    "dataset": {"name": TEXT, "split": TEXT, "digest": TEXT},
    "n": COUNT,
    "parameters": COUNT,
    "flops": COUNT,
    "accuracy": dict.fromkeys(ACCURACIES, _RIGHT),
    "averages": {"weighted": _MEANS, "macro": _MEANS},
    "calibration": {"used": FACTOR, "ece": NUMBER, "nll": NUMBER},
    "per_class": dict.fromkeys(EMOTIONS, _MEANS),
    "by_source": Each(_RIGHT),
    "by_group": Each(Each(_RIGHT)),
    "confusion": [_COUNTS] * len(EMOTIONS),
    "throughput": {
        "faces_per_s": NUMBER, "batch_size": COUNT, "device": TEXT, "runtime": TEXT, "threads": COUNT,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Predictions:
    """Which faces were answered, and which answers are right."""

    faces: list[tuple[str, str, str]]  # source, origin, label
    right: NDArray[np.bool_]  # (n,)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ShapeError."""
        try:
            with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
                rows = [{name: row[name] for name in PREDICTED} for row in csv.DictReader(file)]
        except KeyError as error:
            raise ShapeError(f"cannot use {path} (it has no column {error}): {AGAIN}") from error
        except (OSError, csv.Error) as error:
            raise ShapeError(f"cannot read {path} ({first_line(error)}): {AGAIN}") from error
        faces = [(row["source"], row["origin"], row["label"]) for row in rows]
        return cls(faces, np.array([row["label"] == row["answer"] for row in rows], np.bool_))

    def same_faces(self, other: "Predictions") -> bool:
        """Whether both answered the same faces, in the same order, under the same labels."""
        return self.faces == other.faces


@dataclass(frozen=True)
class ReportFolder:
    """A folder that `fer-train classifier evaluate` wrote."""

    path: Path

    @cached_property
    def figures(self) -> dict[str, Any]:
        """The report, which holds SHAPE. Raises ShapeError."""
        return read_shaped(self.path / REPORT, SHAPE, AGAIN)

    @cached_property
    def predictions(self) -> Predictions:
        """The answers. Raises ShapeError."""
        found = Predictions.read(self.path / PREDICTIONS)
        if len(found.faces) != self.figures["n"]:
            raise ShapeError(f"{self.path / PREDICTIONS} has not as many faces as {REPORT} beside it: {AGAIN}")
        return found

    def is_of(self, weights_digest: str) -> bool:
        """Whether these weights were measured, and not others that the run had before. Raises ShapeError."""
        return bool(self.figures["model"]["weights_sha256"] == weights_digest)
