"""FER-2013: grey faces of 48x48 px with one of seven emotions (Goodfellow et al. 2013, https://arxiv.org/abs/1307.0414).

As the table `fer2013.csv`, and as the folders `train/angry/*.jpg`, `test/...` that it is often passed on as, or those of the
table's usages, `Training/angry/*.jpg`, `PublicTest/...`, `PrivateTest/...`.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.folder import Folder, folders_in
from ferstream.training.sources.labels import FER2013, of_folder, of_number
from ferstream.training.sources.sample import Account, Layout, Sample, Split, first_with
from ferstream.training.sources.table import header_of, rows

TABLE = "fer2013.csv"
COLUMNS = ("emotion", "pixels", "Usage")
SIDE = 48
USAGES: dict[str, Split] = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
#: In lower case.
SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test",
    **{usage.lower(): split for usage, split in USAGES.items()},
}  # fmt: skip


def png_of(pixels: str) -> bytes | None:
    """A row's `pixels`, 48x48 numbers from 0 to 255, as the bytes of a PNG; None where they are not that."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy only warns of what is no number
            values = np.fromstring(pixels, np.int64, sep=" ")
    except (DeprecationWarning, ValueError):  # counted by who asked
        return None
    if len(values) != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        return None
    face = values.astype(np.uint8).reshape(SIDE, SIDE)
    return cv2.imencode(".png", face, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


def read_table(root: Path, account: Account) -> Iterator[Sample]:
    """The faces of `fer2013.csv`, in its order. Raises SourceError."""
    table = root if root.is_file() else root / TABLE
    for number, row in rows(table, COLUMNS, account):
        where = f"{as_text(table)}:{number}"
        emotion, split = of_number(row["emotion"], FER2013), USAGES.get(row["Usage"].strip())
        if emotion is None:
            account.complain("unknown label", f"{where}: {as_text(row['emotion'])[:20]!r}")
        elif split is None:
            account.complain("unknown usage", f"{where}: {as_text(row['Usage'])[:20]!r}")
        elif (png := png_of(row["pixels"])) is None:
            account.complain("pixels that are not 48x48 numbers from 0 to 255", where)
        else:
            yield Sample(png, emotion, split, "fer2013", f"{as_text(table.name)}:{number}")


def read_folders(root: Path, account: Account) -> Iterator[Sample]:
    """The faces in `train/angry` and its like, in the order of their names. Raises SourceError."""
    folder = Folder(root)
    for path, split in folder.splits(_top(root) or root, SPLIT_FOLDERS, ("train", "test"), of_folder, account):
        for emotion, picture in folder.classes(path, FER2013.values(), of_folder, account):
            yield Sample(picture, emotion, split, "fer2013", folder.origin(picture))


def _lacks_table(root: Path) -> str:
    if root.is_file():
        missing = [name for name in COLUMNS if name not in header_of(root)]
        return f"{as_text(root.name)} has no columns {', '.join(missing)}" if missing else ""
    return "" if (root / TABLE).is_file() else f"no {TABLE}"


def _top(root: Path) -> Path | None:
    """The folder that holds the splits."""
    return first_with((root, root / "fer2013"), _holds_splits)


def _holds_splits(folder: Path) -> bool:
    splits = (path for path in folder.iterdir() if path.name.lower() in SPLIT_FOLDERS) if folder.is_dir() else ()
    return any(of_folder(name) for path in splits for name in folders_in(path))


def _lacks_folders(root: Path) -> str:
    return "" if _top(root) else "no folder train or Training with folders angry, disgust, fear ... in it"


LAYOUTS = (
    Layout("FER-2013 as a table", _lacks_table, read_table),
    Layout("FER-2013 as folders", _lacks_folders, read_folders),
)
