"""Every dataset that can be read, by name: `fer2013:PATH`, or a path alone whose layout is recognised."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources import affectnet, affectnet_npy, ck_plus, fer2013, ferplus, raf_db
from ferstream.training.sources.sample import Account, Layout, Sample, SourceError

#: By name, in the order in which a path is tried: the tables of FER+ lie beside those of FER-2013.
SCHEMES: dict[str, tuple[Layout, ...]] = {
    "ferplus": ferplus.LAYOUTS,
    "fer2013": fer2013.LAYOUTS,
    "affectnet": (*affectnet.LAYOUTS, *affectnet_npy.LAYOUTS),
    "raf-db": raf_db.LAYOUTS,
    "ck+": ck_plus.LAYOUTS,
}
SPELLINGS = {"fer+": "ferplus", "fer-2013": "fer2013", "rafdb": "raf-db", "ckplus": "ck+", "ck": "ck+", "ck+48": "ck+"}


@dataclass(frozen=True, slots=True)
class Named:
    """A dataset as named on the command line; `scheme` is one of SCHEMES, or "" where only the path was given."""

    scheme: str
    path: Path

    def __str__(self) -> str:
        return f"{self.scheme}:{as_text(self.path)}" if self.scheme else as_text(self.path)


def parse(text: str) -> Named:
    """What `SCHEME:PATH` or `PATH` names; nothing is opened. Raises SourceError, which names the nearest known scheme."""
    scheme, colon, path = text.partition(":")
    if not colon or "/" in scheme:
        scheme, path = "", text
    if not path:
        raise SourceError(f"{text!r} names no dataset: {_known()}")
    scheme = SPELLINGS.get(scheme.lower(), scheme.lower())
    if scheme and scheme not in SCHEMES:
        near = difflib.get_close_matches(scheme, [*SCHEMES, *SPELLINGS], n=1, cutoff=0.4)
        meant = f"did you mean {SPELLINGS.get(near[0], near[0])}:{as_text(path)}? " if near else ""
        raise SourceError(f"there is no kind of dataset {as_text(scheme)!r}: {meant}{_known()}")
    return Named(scheme, at_home(path))


def at_home(path: str) -> Path:
    """The path, with the home folder for the ~ or ~user that it begins with. Raises SourceError."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise SourceError(f"there is no user {as_text(Path(path).parts[0])}: write the whole path") from error


def samples(named: Named, account: Account) -> Iterator[Sample]:
    """The samples of a dataset, always in the same order. What cannot be used goes to `account`.

    Where only a path was given, a line says what it was taken for: a tree of anybody's own may look the same.

    Raises SourceError at once where the path is not there or is in no known layout, and later where nothing in it can be used.
    """
    layout = layout_of(named)
    if not named.scheme:
        what = f"taken for {layout.name}, in cards and licences too; where it is another dataset, name it SCHEME:PATH"
        account.remark(what, as_text(named.path))
    return _some(named, layout.read(named.path, account))


def layout_of(named: Named) -> Layout:
    """The layout at the path. Raises SourceError, which says what each layout that was tried lacks."""
    tried = [layout for scheme, layouts in SCHEMES.items() if named.scheme in ("", scheme) for layout in layouts]
    try:
        named.path.stat()
        lacking = []
        for layout in tried:
            if not (lack := layout.lacks(named.path)):
                return layout
            lacking.append(f"{layout.name}: {lack}")
    except FileNotFoundError as error:
        raise SourceError(f"there is no {as_text(named.path)}") from error
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {as_text(named.path)}: {getattr(error, 'strerror', error)}") from error
    raise SourceError(f"{as_text(named.path)} is in no known layout. {'; '.join(lacking)}")


def _some(named: Named, found: Iterator[Sample]) -> Iterator[Sample]:
    first = next(found, None)
    if first is None:
        raise SourceError(f"{as_text(named.path)} holds nothing that can be used")
    yield first
    yield from found


def _known() -> str:
    return f"known are {', '.join(f'{scheme}:PATH' for scheme in SCHEMES)}, or PATH alone"
