"""What reading a published dataset yields: labelled pictures, and an account of what could not be used."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ferstream.streams.errors import FerstreamError

log = logging.getLogger(__name__)

Split = Literal["train", "val", "test", ""]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

#: Lines said about each kind of problem; the rest is counted.
SAID = 5


class SourceError(FerstreamError):
    """A source is not there, not in the layout it is named as, or holds what --strict does not accept."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture with one emotion.

    `picture` is a file, or the bytes of an encoded picture where the source keeps pixels in a table. `origin` names it within
    the source, for people: `train/angry/im3.png`, `fer2013.csv:17`. `split` is the source's own, `""` where it has none.
    """

    picture: Path | bytes
    emotion: str  # one of EMOTIONS
    split: Split
    source: str  # name of the source: fer2013, ferplus, ck+, affectnet, raf-db
    origin: str
    subject: str | None = None  # who is on it, where the source says so: only to keep a person in one split
    box: tuple[float, float, float, float] | None = None  # xyxy of the face in pixels of the picture, where it is not all of it
    votes: tuple[float, ...] | None = None  # distribution over EMOTIONS, where the source has one
    groups: Mapping[str, str] = field(default_factory=dict)  # annotated groups: {"gender": "female", "age": "20-39"}


@dataclass(slots=True)
class Account:
    """What a source left out (it says so itself: `none`, `uncertain`) and what was wrong, by reason.

    `strict` makes the first thing that is wrong a SourceError.
    """

    strict: bool = False
    left_out: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def leave_out(self, reason: str) -> None:
        """Count a picture that the source itself gives no emotion."""
        self.left_out[reason] += 1

    def remark(self, what: str, where: str) -> None:
        """Log a guess that the user should know of; nothing is counted."""
        log.warning("%s: %s", where, what)

    def complain(self, reason: str, where: str) -> None:
        """Count, and say of the first few, what cannot be used. Raises SourceError where `strict`."""
        if self.strict:
            raise SourceError(f"{where}: {reason}")
        self.wrong[reason] += 1
        if self.wrong[reason] <= SAID:
            more = " (more of these are counted, not said)" if self.wrong[reason] == SAID else ""
            log.warning("%s: %s%s", where, reason, more)


#: A layout's reader: the samples of the dataset at a path, always in the same order. Raises SourceError.
Reader = Callable[[Path, Account], Iterator[Sample]]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a dataset is passed on: its name, how it is recognised, and what reads it.

    `lacks` says what of the layout is not at a path, in a few words, or "" where it is all there.
    """

    name: str
    lacks: Callable[[Path], str]
    read: Reader


def first_with(folders: Iterable[Path], holds: Callable[[Path], bool]) -> Path | None:
    """The first of the usual folders that holds what is looked for, or None."""
    return next((folder for folder in folders if holds(folder)), None)
