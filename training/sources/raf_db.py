"""RAF-DB, basic emotions: faces of 100x100 px with gender, race and age (Li et al. 2017, http://www.whdeng.cn/RAF/model1.html).

As published: `basic/EmoLabel/list_patition_label.txt` with lines `train_00001.jpg 5`, and the pictures below `basic/Image`.
And as it is often passed on: `DATASET/train/1/*.jpg`, one folder a class.
"""

from collections.abc import Iterator
from pathlib import Path

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.folder import Folder, folders_in
from ferstream.training.sources.labels import RAF_DB, of_folder, of_number
from ferstream.training.sources.raf_db_notes import box_in, groups_in
from ferstream.training.sources.sample import Account, Layout, Sample, SourceError, Split, first_with

LISTS = ("EmoLabel/list_patition_label.txt", "EmoLabel/list_partition_label.txt")
SPLIT_FOLDERS: dict[str, Split] = {"train": "train", "test": "test"}
MOST_LINE = 4096


def read_list(root: Path, account: Account) -> Iterator[Sample]:
    """The faces that the list names, in its order: the aligned ones, or else those in the photographs. Raises SourceError."""
    top = _basic(root) or root
    folder, aligned = Folder(root), (top / "Image" / "aligned").is_dir()
    path = next((top / name for name in LISTS if (top / name).is_file()), top / LISTS[0])
    for number, name, label in _lines(path, account):
        stem, where = Path(name).stem, f"{as_text(path)}:{number}"
        emotion, split = of_number(label, RAF_DB), SPLIT_FOLDERS.get(name.partition("_")[0])
        picture = top / "Image" / ("aligned" if aligned else "original") / (f"{stem}_aligned.jpg" if aligned else name)
        if emotion is None:
            account.complain("unknown label", f"{where}: {as_text(label)[:20]!r}")
        elif split is None:
            account.complain("neither train_ nor test_", f"{where}: {as_text(name)[:40]!r}")
        elif folder.takes(picture, where, account):
            box = None if aligned else box_in(top / "Annotation" / "boundingbox" / f"{stem}_boundingbox.txt", account)
            groups = groups_in(top / "Annotation" / "manual" / f"{stem}_manu_attri.txt", account)
            yield Sample(picture, emotion, split, "raf-db", folder.origin(picture), box=box, groups=groups)


def read_folders(root: Path, account: Account) -> Iterator[Sample]:
    """The faces in `train/1` and its like, in the order of their names. Raises SourceError."""
    folder = Folder(root)
    for path, split in folder.splits(_split_folders(root) or root, SPLIT_FOLDERS, SPLIT_FOLDERS, _of_folder, account):
        for emotion, picture in folder.classes(path, RAF_DB.values(), _of_folder, account):
            yield Sample(picture, emotion, split, "raf-db", folder.origin(picture))


def _lines(path: Path, account: Account) -> Iterator[tuple[int, str, str]]:
    """Number, name and label of each line of the list."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            number = 0
            while line := file.readline(MOST_LINE):
                number += 1
                parts = line.split()
                if len(parts) == 2:
                    yield number, parts[0], parts[1]
                elif parts:
                    account.complain("line that is not a name and a label", f"{as_text(path)}:{number}")
    except OSError as error:
        raise SourceError(f"cannot read {as_text(path)}: {error.strerror}") from error


def _of_folder(name: str) -> str | None:
    return RAF_DB.get(name) or of_folder(name)


def _basic(root: Path) -> Path | None:
    """The folder that holds EmoLabel and Image."""
    places = (root, root / "basic", root / "RAF-DB", root / "RAF-DB" / "basic")
    return first_with(places, lambda place: any((place / name).is_file() for name in LISTS))


def _split_folders(root: Path) -> Path | None:
    """The folder that holds train and test."""
    return first_with((root, root / "DATASET"), lambda place: _is_of_classes(folders_in(place / "train")))


def _is_of_classes(names: set[str]) -> bool:
    """Some of 1 to 7 and no other number: folders 0 to 6 or 0 to 7 are another dataset's, whose labels mean something else."""
    numbers = {name for name in names if name.isdigit()}
    return bool(numbers) and numbers <= RAF_DB.keys()


def _lacks_list(root: Path) -> str:
    return "" if _basic(root) else f"no {LISTS[0]} in it or in basic"


def _lacks_folders(root: Path) -> str:
    return "" if _split_folders(root) else "no folder train with folders 1 to 7 in it or in DATASET"


LAYOUTS = (
    Layout("RAF-DB as published", _lacks_list, read_list),
    Layout("RAF-DB as folders", _lacks_folders, read_folders),
)
