"""CK+48: the last three frames of each posed sequence of CK+, grey, 48x48 px (Lucey et al. 2010, CVPR Workshops).

`CK+48/anger/S010_004_00000017.png` is person S010, sequence 4, frame 17. Seven folders with contempt and no neutral; some copies
have neutral as the eighth. It has no splits of its own.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.folder import Folder, folders_in
from ferstream.training.sources.labels import of_folder
from ferstream.training.sources.sample import Account, Layout, Sample, first_with

EXPECTED = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
_NAME = re.compile(r"(S\d+)_\d+_\d+", re.IGNORECASE | re.ASCII)


def read(root: Path, account: Account) -> Iterator[Sample]:
    """The frames, by emotion and name. One that names nobody is counted and not read: that person could be in two splits."""
    folder = Folder(root)
    for emotion, picture in folder.classes(_top(root) or root, EXPECTED, of_folder, account):
        named = _NAME.match(picture.name)
        if named is None:
            account.complain("no person in its name (S010_004_00000017.png)", as_text(picture))
        else:
            yield Sample(picture, emotion, "", "ck+", folder.origin(picture), subject=named[1].upper())


def _top(root: Path) -> Path | None:
    """The folder that holds the folders of emotions: at least two, so that a single `happy` is not taken for it."""
    return first_with(
        (root, root / "CK+48", root / "CK+", root / "ck"),
        lambda folder: len({of_folder(name) for name in folders_in(folder)} - {None}) > 1,
    )


def _lacks(root: Path) -> str:
    top = _top(root)
    if top is None:
        return "no folders anger, contempt, disgust ... in it or in CK+48"
    named = (_NAME.match(path.name) for folder in top.iterdir() if of_folder(folder.name) for path in folder.iterdir())
    return "" if any(named) else f"no picture named as S010_004_00000017.png in the folders of {as_text(top)}"


LAYOUTS = (Layout("CK+48", _lacks, read),)
