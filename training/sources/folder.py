"""A dataset's folder: the pictures in it that are there and are its own."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ferstream.streams.service.named_file import as_text
from ferstream.training.common.messages import is_text
from ferstream.training.sources.sample import Account, Split

#: What file managers and archives leave among pictures.
LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}

LEAVES = "link or name that leaves the folder"


class Folder:
    """Everything under `root`, which may be a link itself. What links, or names in a table, lead to elsewhere is refused."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = str(root).rstrip("/") + "/"  # as text: relative_to takes longer than all else here
        self._real = root.resolve()
        self._inside: dict[Path, bool] = {}

    def origin(self, path: Path) -> str:
        """A picture's name within the dataset, as text."""
        return as_text(str(path).removeprefix(self._prefix))

    def takes(self, path: Path, named_in: str, account: Account) -> bool:
        """Whether a picture that a table names (`named_in`, its line) is there and within the folder; if not, that is counted."""
        try:
            linked, there = path.is_symlink(), path.is_file()
        except (OSError, ValueError):  # a name too long, or with a NUL: no file has it
            linked = there = False
        if not self._holds(path.parent) or (linked and not self._holds(path)):
            account.complain(LEAVES, f"{named_in}: {as_text(path)}")
        elif not there:
            account.complain("no such picture", f"{named_in}: {as_text(path)}")
        else:
            self._note_name(path, account)
            return True
        return False

    def pictures(self, folder: Path, account: Account) -> Iterator[Path]:
        """The pictures right in `folder`, in the order of their names; what is no picture by its name is counted."""
        if not self._holds(folder):
            account.complain(LEAVES, as_text(folder))
            return
        for entry in _entries(folder, account):
            path = folder / entry.name
            if entry.is_symlink() and not self._holds(path):
                account.complain(LEAVES, as_text(path))
            elif not _is_picture(entry.name):
                account.complain("no picture by its name", as_text(path))
            else:
                self._note_name(path, account)
                yield path

    def classes(
        self, folder: Path, expected: Iterable[str], emotion_of: Callable[[str], str | None], account: Account
    ) -> Iterator[tuple[str, Path]]:
        """Emotion and path of every picture in the folders of emotions right in `folder`.

        A folder of no known emotion, and emotions of `expected` that have no folder, are counted.
        """
        found = set()
        for path in self.folders(folder, account):
            emotion = emotion_of(path.name)
            if emotion is None:
                account.complain("unknown label", as_text(path))
            else:
                found.add(emotion)
                yield from ((emotion, picture) for picture in self.pictures(path, account))
        for emotion in expected:
            if emotion not in found:
                account.complain("missing folder", as_text(folder / emotion))

    def splits(
        self,
        folder: Path,
        known: Mapping[str, Split],
        expected: Iterable[str],
        is_class: Callable[[str], object],
        account: Account,
    ) -> Iterator[tuple[Path, Split]]:
        """Path and split of every folder right in `folder` that `known` names, in lower case.

        Another that holds pictures or folders of classes, and names of `expected` whose split has no folder, are counted.
        """
        found = set()
        for path in self.folders(folder, account):
            if split := known.get(path.name.lower()):
                found.add(split)
                yield path, split
            elif any(is_class(e.name) if (path / e.name).is_dir() else _is_picture(e.name) for e in _entries(path, account)):
                account.complain("unknown split", as_text(path))
        for name in expected:
            if known[name] not in found:
                account.complain("missing folder", as_text(folder / name))

    def folders(self, folder: Path, account: Account) -> list[Path]:
        """The folders right in `folder`, in the order of their names; pictures beside them are counted."""
        found = []
        for entry in _entries(folder, account):
            path = folder / entry.name
            if path.is_dir():
                found.append(path)
            elif _is_picture(entry.name):
                account.complain("picture outside the folders of classes", as_text(path))
        return found

    def _holds(self, path: Path) -> bool:
        """Whether what `path` leads to is within the folder."""
        if path not in self._inside:
            try:
                self._inside[path] = path.resolve().is_relative_to(self._real)
            except (OSError, RuntimeError, ValueError):  # links in a circle, or a NUL: leads nowhere
                self._inside[path] = False
        return self._inside[path]

    def _note_name(self, path: Path, account: Account) -> None:
        if not is_text(path.name):
            account.complain("name that is not UTF-8 (read all the same)", as_text(path))


def folders_in(folder: Path) -> set[str]:
    """Names of the folders right in `folder`, in lower case; none where there is no folder."""
    return {path.name.lower() for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()


def _is_picture(name: str) -> bool:
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and f"{dot}{suffix.lower()}" in SUFFIXES


def _entries(folder: Path, account: Account) -> list["os.DirEntry[str]"]:
    """What is in a folder, by name, without hidden files and litter."""
    try:
        with os.scandir(folder) as entries:
            kept = [e for e in entries if not e.name.startswith(".") and e.name.lower() not in LITTER]
    except OSError:  # said and counted; the other folders are read
        account.complain("folder that cannot be read", as_text(folder))
        return []
    return sorted(kept, key=lambda entry: entry.name)
