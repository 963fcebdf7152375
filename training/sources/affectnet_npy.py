"""AffectNet of eight classes as given out later: aligned faces of 224 px, `train_set/images/N.jpg`, each with its label beside it
as a little array, `train_set/annotations/N_exp.npy`. Either of the two sets may be all there is, or be named itself."""

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.folder import Folder
from ferstream.training.sources.labels import AFFECTNET, AFFECTNET_LEFT_OUT, of_number
from ferstream.training.sources.sample import Account, Layout, Sample, Split

SETS: dict[str, Split] = {"train_set": "train", "val_set": "val"}
#: A label is a number, or a short text; a file longer than this holds something else.
MOST_BYTES = 1024


def read(root: Path, account: Account) -> Iterator[Sample]:
    """The faces of the sets, in the order of their names. Raises SourceError."""
    folder = Folder(root)
    for path, split in _sets(folder, account):
        if not (path / "images").is_dir():
            account.complain("missing folder", as_text(path / "images"))
            continue
        for picture in folder.pictures(path / "images", account):
            note = path / "annotations" / f"{picture.stem}_exp.npy"
            label = label_in(note)
            left_out = of_number(label, AFFECTNET_LEFT_OUT)
            emotion = of_number(label, AFFECTNET)
            if left_out:
                account.leave_out(left_out)
            elif emotion is None:
                account.complain("unknown label" if label else "label that is missing or cannot be read", as_text(note))
            else:
                yield Sample(picture, emotion, split, "affectnet", folder.origin(picture))


def label_in(path: Path) -> str:
    """The one number or text in a .npy file; "" where there is none. No pickle is loaded."""
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's, of headers by old versions
            if file.seek(0, 2) > MOST_BYTES:
                return ""
            file.seek(0)
            array = np.lib.format.read_array(file, allow_pickle=False)
            return str(array.astype("U").item()) if array.size == 1 and array.dtype.kind in "iufSU" else ""
    except Exception:  # noqa: BLE001 - a broken header makes numpy's parser raise nearly anything; counted by who asked
        return ""


def _sets(folder: Folder, account: Account) -> Iterable[tuple[Path, Split]]:
    """Path and split of the sets in the folder, or else of the one that it is, whose name says its split."""
    root = folder.root
    if _has_sets(root) or not _is_set(root):
        return folder.splits(root, SETS, SETS, {"images"}.__contains__, account)
    names = (root.absolute().name, root.resolve().name)
    return [(root, next((SETS[name] for name in names if name in SETS), ""))]


def _has_sets(root: Path) -> bool:
    return any(_is_set(root / name) for name in SETS)


def _is_set(folder: Path) -> bool:
    """Whether the folder has images and labels named as AffectNet's; folders of these names alone have many datasets."""
    notes = folder / "annotations"
    return (folder / "images").is_dir() and notes.is_dir() and any(path.name.endswith("_exp.npy") for path in notes.iterdir())


def _lacks(root: Path) -> str:
    found = _is_set(root) or _has_sets(root)
    return "" if found else f"no images with annotations/N_exp.npy in it or in {' or '.join(SETS)}"


LAYOUTS = (Layout("AffectNet with arrays", _lacks, read),)
