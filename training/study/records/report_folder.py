"""The folder of an evaluation's report, as comparisons and exports read it."""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.json_file import Count, Factor, Number, ShapeError, Share, read_json
from ferstream.training.common.messages import first_line
from ferstream.training.study.records.accuracies import ACCURACIES

REPORT = "report.json"
PREDICTIONS = "predictions.csv"
#: Columns of predictions.csv, before the probability of each emotion.
PREDICTED = ("origin", "source", "label", "answer")
#: Of the report for programs: another one is not read.
VERSION = 1
AGAIN = "evaluate again"

Right = TypedDict("Right", {"n": Count, "right": Count, "accuracy": Share, "from": Share, "to": Share})


class Means(TypedDict):
    """Precision, recall and F1 of a class, or averaged over classes."""

    precision: Share
    recall: Share
    f1: Share


class _Model(TypedDict):
    name: str
    weights_sha256: str | None  # null for a model folder


class _Dataset(TypedDict):
    name: str
    split: str
    digest: str


class _Calibration(TypedDict):
    used: Factor
    ece: Number
    nll: Number


class _Throughput(TypedDict):
    faces_per_s: Number
    batch_size: Count
    device: str
    runtime: str
    threads: Count


_EIGHT = msgspec.Meta(min_length=len(EMOTIONS), max_length=len(EMOTIONS))
#: What is taken from a report.
SHAPE = msgspec.defstruct(
    "Report",
    [
        ("version", int),
        ("model", _Model),
        ("dataset", _Dataset),
        ("n", Count),
        ("parameters", Count),
        ("flops", Count),
        ("accuracy", msgspec.defstruct("Accuracy", [(name, Right) for name in ACCURACIES])),
        ("averages", msgspec.defstruct("Averages", [("weighted", Means), ("macro", Means)])),
        ("calibration", _Calibration),
        ("per_class", msgspec.defstruct("PerClass", [(emotion, Means) for emotion in EMOTIONS])),
        ("by_source", dict[str, Right]),
        ("by_group", dict[str, dict[str, Right]]),
        ("confusion", Annotated[list[Annotated[list[Count], _EIGHT]], _EIGHT]),
        ("throughput", _Throughput),
    ],
)


@dataclass(frozen=True, slots=True)
class Predictions:
    """The faces that a classifier answered, and which answers are right."""

    faces: list[tuple[str, str, str]]  # source, origin, label
    right: NDArray[np.bool_]  # (n,)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read `predictions.csv`. Raises ShapeError."""
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
        """The content of `report.json`, checked against SHAPE. Raises ShapeError."""
        return read_json(self.path / REPORT, SHAPE, AGAIN, VERSION)

    @cached_property
    def predictions(self) -> Predictions:
        """The answers, as many as the report counts. Raises ShapeError."""
        found = Predictions.read(self.path / PREDICTIONS)
        if len(found.faces) != self.figures["n"]:
            raise ShapeError(f"{self.path / PREDICTIONS} has not as many faces as {REPORT} beside it: {AGAIN}")
        return found

    def is_of(self, weights_digest: str) -> bool:
        """Whether these weights were measured, and not others that the run had before. Raises ShapeError."""
        return bool(self.figures["model"]["weights_sha256"] == weights_digest)
