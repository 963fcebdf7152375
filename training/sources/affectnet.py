"""AffectNet as first given out: manually annotated photographs of any size (Mollahosseini et al. 2017, arXiv:1708.03985).

`training.csv` and `validation.csv` name pictures below Manually_Annotated_Images and give the face's box; what was annotated
automatically is not read.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.folder import Folder, folders_in
from ferstream.training.sources.labels import AFFECTNET, AFFECTNET_LEFT_OUT, of_number
from ferstream.training.sources.sample import Account, Layout, Sample, SourceError, Split, first_with
from ferstream.training.sources.table import rows

TABLES: dict[str, Split] = {"training.csv": "train", "validation.csv": "val"}
COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression", "valence",
    "arousal",
)  # fmt: skip
#: Where the tables lie, and where the folders 1, 2 ... of pictures, below the dataset's folder.
TABLE_PLACES = (".", "Manually_Annotated_file_lists", "Manually_Annotated", "Manually_Annotated/Manually_Annotated_file_lists")
PICTURE_PLACES = ("Manually_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images", "Manually_Annotated", ".")


def read(root: Path, account: Account) -> Iterator[Sample]:
    """The faces of the two tables, or of the one that `root` is, in their order. Raises SourceError."""
    tables = [root] if root.is_file() else _tables(root)
    top = root.parent if root.is_file() else root
    if root.is_file() and top.name in TABLE_PLACES:
        top = top.parent
    pictures = first_with((top / place for place in PICTURE_PLACES), _holds_pictures)
    if pictures is None:
        raise SourceError(
            f"no pictures of AffectNet in {as_text(top)}: no folders 1, 2 ... in it, nor in {', '.join(PICTURE_PLACES[:-1])}"
        )
    if len(tables) == 1 and not root.is_file():
        account.complain("missing table", as_text(root / next(name for name in TABLES if name != tables[0].name)))
    folder = Folder(top)
    for table in tables:
        yield from _read_table(table, pictures, folder, account)


def _read_table(table: Path, pictures: Path, folder: Folder, account: Account) -> Iterator[Sample]:
    split = TABLES[table.name]
    for number, row in rows(table, COLUMNS, account, may_lack_header=True):
        where = f"{as_text(table)}:{number}"
        left_out = of_number(row["expression"], AFFECTNET_LEFT_OUT)
        emotion = of_number(row["expression"], AFFECTNET)
        if left_out:
            account.leave_out(left_out)
        elif emotion is None:
            account.complain("unknown label", f"{where}: {as_text(row['expression'])[:20]!r}")
        elif (box := _box(row)) is None:
            account.complain("no box of a face", where)
        elif folder.takes(picture := pictures / row["subDirectory_filePath"], where, account):
            yield Sample(picture, emotion, split, "affectnet", folder.origin(picture), box=box)


def _box(row: dict[str, str]) -> tuple[float, float, float, float] | None:
    """The face's xyxy, or None where the row has none: a few of AffectNet's say NULL."""
    try:
        left, top, width, height = (float(row[f"face_{name}"]) for name in ("x", "y", "width", "height"))
    except ValueError:  # counted by who asked
        return None
    if not all(map(math.isfinite, (left, top, width, height))) or width <= 0 or height <= 0:
        return None
    return left, top, left + width, top + height


def _tables(root: Path) -> list[Path]:
    places = (root / place for place in TABLE_PLACES)
    folder = first_with(places, lambda place: any((place / name).is_file() for name in TABLES))
    return [folder / name for name in TABLES if (folder / name).is_file()] if folder else []


def _holds_pictures(folder: Path) -> bool:
    return any(name.isdigit() for name in folders_in(folder))


def _lacks(root: Path) -> str:
    if root.is_file():
        if root.name.lower().startswith("automatically"):
            return f"{as_text(root.name)} was labelled by a net, and is not read"
        return "" if root.name in TABLES else f"{as_text(root.name)} is neither {' nor '.join(TABLES)}"
    return "" if _tables(root) else f"no {' or '.join(TABLES)} in it or in {', '.join(TABLE_PLACES[1:])}"


LAYOUTS = (Layout("AffectNet with tables", _lacks, read),)
