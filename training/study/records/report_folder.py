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
from ferstream.training.common.json_file import Count, Factor, Number, ShapeError, Share, map_of, read_json
from ferstream.training.common.messages import first_line
from ferstream.training.study.records.accuracies import ACCURACIES

REPORT = "report.json"
PREDICTIONS = "predictions.csv"
#: Columns of predictions.csv, before the probability of each emotion.
PREDICTED = ("origin", "source", "label", "answer")
#: Of the report for programs: another one is not read.
VERSION = 1
AGAIN = "evaluate again"

_RIGHT = TypedDict("_RIGHT", {"n": Count, "right": Count, "accuracy": Share, "from": Share, "to": Share})
_MEANS = map_of(precision=Share, recall=Share, f1=Share)
_EIGHT = msgspec.Meta(min_length=len(EMOTIONS), max_length=len(EMOTIONS))
#: What is taken from a report. The digest of weights is null for a model folder.
SHAPE = map_of(
    version=int,
    model=map_of(name=str, weights_sha256=str | None),
    dataset=map_of(name=str, split=str, digest=str),
    n=Count,
    parameters=Count,
    flops=Count,
    accuracy=map_of(**dict.fromkeys(ACCURACIES, _RIGHT)),
    averages=map_of(weighted=_MEANS, macro=_MEANS),
    calibration=map_of(used=Factor, ece=Number, nll=Number),
    per_class=map_of(**dict.fromkeys(EMOTIONS, _MEANS)),
    by_source=dict[str, _RIGHT],
    by_group=dict[str, dict[str, _RIGHT]],
    confusion=Annotated[list[Annotated[list[Count], _EIGHT]], _EIGHT],
    throughput=map_of(faces_per_s=Number, batch_size=Count, device=str, runtime=str, threads=Count),
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
