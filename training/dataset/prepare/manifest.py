"""A prepared dataset: one folder of JPEG faces, and a manifest that says of each where it is from and what it shows."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypedDict

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import whole_file
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.json_file import write_json
from ferstream.training.dataset.prepare.manifest_check import problem

MANIFEST = "manifest.parquet"
ABOUT = "dataset.json"
IMAGES = "images"

#: One row a sample. `path` is relative to the dataset's folder and is shared by samples of the very same pixels.
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("source", pa.string()),
        ("origin", pa.string()),  # name of the picture within its source
        ("sha256", pa.string()),  # of the picture's file
        ("phash", pa.binary()),  # perceptual hash; null for a copy, which is to differ from its original
        ("emotion", pa.string()),
        ("split", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("grey", pa.bool_()),  # all channels are equal
        ("subject", pa.string()),  # null where the source names nobody
        ("votes", pa.list_(pa.float32())),  # over EMOTIONS; null where the source has one label
        ("groups", pa.string()),  # JSON map of annotated groups
        ("copy", pa.int32()),  # 0 for an original, else the number of the augmented copy
    ]
)


class _About(TypedDict, total=False):
    """What is taken from `dataset.json`; tables and pages show the rest as it is."""

    sources: list[dict[str, str]]
    samples: dict[str, Any]
    settings: dict[str, Any]
    left_out: dict[str, int]
    wrong: dict[str, int]
    removed: dict[str, int]


class PreparedError(FerstreamError):
    """A folder is no prepared dataset, or its manifest is unfinished, altered or of another version."""


@dataclass(frozen=True)
class Prepared:
    """The rows of a prepared dataset, of all splits or of one."""

    folder: Path
    table: pa.Table
    about: dict[str, Any]  # how it was made: `dataset.json`

    @classmethod
    def open(cls, folder: Path, split: str = "all") -> Self:
        """The samples of `split` (`all` takes every one). Raises PreparedError."""
        try:
            table = pq.read_table(folder / MANIFEST)
            about = json.loads((folder / ABOUT).read_text("utf-8"))
            msgspec.convert(about, _About)
        except FileNotFoundError as error:
            raise PreparedError(
                f"{folder} is no prepared dataset, or an unfinished one: make it with fer-train dataset prepare"
            ) from error
        except msgspec.ValidationError as error:
            raise PreparedError(f"{folder / ABOUT} does not say how the dataset was made ({error}): prepare it again") from error
        except (OSError, ValueError, RecursionError, pa.ArrowException) as error:
            raise PreparedError(f"cannot read the dataset in {folder}: {error}") from error
        if not table.schema.equals(SCHEMA):
            raise PreparedError(f"{folder / MANIFEST} has other columns than this version reads: prepare the dataset again")
        if wrong := problem(table):
            raise PreparedError(f"{folder / MANIFEST} {wrong}: prepare the dataset again")
        prepared = cls(folder, table, about)
        return prepared if split == "all" else prepared.of_split(split)

    def of_split(self, split: str) -> Self:
        """Its samples of one split. Raises PreparedError where there are none."""
        chosen = self.table.filter(pa.array(self.column("split") == split))
        if not len(chosen):
            raise PreparedError(f"{self.folder} has no split {split!r}; it has {', '.join(self.split_names())}")
        return type(self)(self.folder, chosen, self.about)

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> NDArray[Any]:
        """The values of one column (n,)."""
        values: NDArray[Any] = self.table[name].to_numpy(zero_copy_only=False)
        return values

    def split_names(self) -> list[str]:
        """The splits that have samples, sorted."""
        return sorted({str(name) for name in self.column("split")})

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Emotions (n,) as indices of EMOTIONS."""
        index = {name: i for i, name in enumerate(EMOTIONS)}
        return np.array([index[name] for name in self.column("emotion")], np.int64)

    @cached_property
    def paths(self) -> list[Path]:
        """The path of each sample's picture."""
        return [self.folder / path for path in self.column("path")]

    def distributions(self) -> NDArray[np.float32]:
        """Votes (n, 8) as distributions; a sample without votes is all of its emotion."""
        certain = np.eye(len(EMOTIONS), dtype=np.float32)[self.labels]
        for row, votes in enumerate(self.table["votes"].to_pylist()):
            if votes is not None:
                certain[row] = np.array(votes, np.float32) / sum(votes)
        return certain


def write_manifest(folder: Path, rows: pa.Table | list[dict[str, Any]], about: dict[str, Any]) -> Prepared:
    """Write how the dataset was made, then its manifest, each whole or not at all: with it the dataset is complete."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows, SCHEMA)
    write_json(folder / ABOUT, about)
    with whole_file(folder / MANIFEST) as file:
        pq.write_table(table, file, compression="zstd")
    return Prepared(folder, table, about)
