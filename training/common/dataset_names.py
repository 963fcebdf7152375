"""Naming datasets on the command line: `ferplus:PACK.npz`, `faces:PACK.npz`, `avfer:FOLDER`, and where they lie if none is."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ferstream.streams.errors import FerstreamError

Scheme = Literal["ferplus", "faces", "avfer"]
#: What each scheme names: a FER+ pack, a face pack, the folder of a prepared dataset.
SCHEMES: dict[Scheme, str] = {"ferplus": "PACK.npz", "faces": "PACK.npz", "avfer": "FOLDER"}
DATA_FOLDER = "FER_DATA_DIR"
FACE_PACKS = "faces_trainval_*.npz"
FERPLUS_PACK = "ferplus_trainval.npz"
#: What a classifier is trained and measured on.
CLASSIFIERS_DATA = "a classifier needs ferplus:PACK.npz or a prepared dataset's folder"


class DatasetError(FerstreamError):
    """No dataset is named, or one of a kind that is not known."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A pack, or the folder of a prepared dataset, and how it is read."""

    scheme: Scheme
    path: Path

    @classmethod
    def parse(cls, text: str) -> "Dataset":
        """`SCHEME:PATH`, or the path of a face pack or of a prepared dataset's folder alone. Raises DatasetError."""
        scheme, colon, path = text.partition(":")
        for known in SCHEMES:
            if scheme == known and path:
                return cls(known, Path(path))
        if Path(text).is_dir():
            return cls("avfer", Path(text))
        if not colon:
            return cls("faces", Path(text))
        raise DatasetError(
            f"{text!r} names no dataset: known are {', '.join(f'{known}:{what}' for known, what in SCHEMES.items())}"
        )


def face_packs(named: tuple[Path, ...]) -> tuple[Path, ...]:
    """The packs that are named, or else all in the data folder. Raises DatasetError where there are none."""
    return named or tuple(_found(FACE_PACKS, "--data PACK.npz"))


def ferplus_pack(named: Dataset | None) -> Path:
    """The pack that is named, or else the one in the data folder. Raises DatasetError where there is none."""
    if named is None:
        return _found(FERPLUS_PACK, "--dataset ferplus:PACK.npz")[0]
    if named.scheme != "ferplus":
        raise DatasetError(f"{named.path} is named as {named.scheme}; a classifier needs ferplus:PACK.npz")
    return named.path


def _found(pattern: str, option: str) -> list[Path]:
    folder = os.environ.get(DATA_FOLDER)
    if not folder:
        raise DatasetError(f"no dataset: name one with {option}, or set {DATA_FOLDER} to the folder that holds {pattern}")
    paths = sorted(Path(folder).glob(pattern)) or sorted(Path(folder, "data").glob(pattern))
    if not paths:
        raise DatasetError(f"no {pattern} in {folder} ({DATA_FOLDER}): name a dataset with {option}")
    return paths
