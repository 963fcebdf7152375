"""One way in which a dataset is passed on: how it is known, and what reads it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ferstream.training.sources.sample import Reader


@dataclass(frozen=True, slots=True)
class Layout:
    """`lacks` says what of the layout is not at a path, in a few words, or "" where it is all there."""

    name: str
    lacks: Callable[[Path], str]
    read: Reader


def first_with(folders: Iterable[Path], holds: Callable[[Path], bool]) -> Path | None:
    """The first of the usual places that holds what is looked for."""
    return next((folder for folder in folders if holds(folder)), None)
