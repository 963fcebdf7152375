"""FER+: the faces of FER-2013 with the votes of ten annotators (Barsoum et al. 2016, https://arxiv.org/abs/1608.01041).

As `fer2013new.csv` beside `fer2013.csv`, whose rows it is aligned with, and as a pack. A face's emotion is the one of the eight
with most votes, ties to the first column (`argmax8` of ferplus_pack.py); faces without a vote for any are left out.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ferstream.streams.service.named_file import as_text
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.packs import Pack, PackError
from ferstream.training.sources import fer2013
from ferstream.training.sources.labels import FERPLUS, FERPLUS_LEFT_OUT
from ferstream.training.sources.sample import SPLITS, Account, Layout, Sample, SourceError, Split
from ferstream.training.sources.table import rows

TABLE = "fer2013new.csv"
COLUMNS = ("Usage", *FERPLUS)
#: More votes than this of one annotator's kind are a damaged number: there are ten annotators.
MOST_VOTES = 100

NumberedRow = tuple[int, dict[str, str]]


def read_tables(root: Path, account: Account) -> Iterator[Sample]:
    """The faces of `fer2013.csv` with the votes of `fer2013new.csv`, in their order. Raises SourceError."""
    table = root if root.is_file() else root / TABLE
    faces = rows(table.with_name(fer2013.TABLE), ("pixels", "Usage"), account)
    for number, face, row in _beside(faces, rows(table, COLUMNS, account), as_text(table), account):
        where = f"{as_text(table)}:{number}"
        votes = _votes(row)
        split = fer2013.USAGES.get(row["Usage"].strip())
        if votes is None:
            account.complain("votes that are no numbers", where)
        elif split is None or row["Usage"].strip() != face["Usage"].strip():
            account.complain(f"usage that is unknown or not that of {fer2013.TABLE}", where)
        elif not any(votes[name] for name in EMOTIONS):
            _leave_out(votes, where, account)
        elif (png := fer2013.png_of(face["pixels"])) is None:
            account.complain("pixels that are not 48x48 numbers from 0 to 255", where)
        else:
            yield _sample(png, votes, split, f"{as_text(table.name)}:{number}")


def read_pack(root: Path, account: Account) -> Iterator[Sample]:
    """The faces of a pack, in its order. Raises SourceError."""
    pack, columns = _whole_pack(root)
    images, offsets, votes, names = (pack.arrays[name] for name in ("images", "offsets", "votes", "name"))
    for i, (name, counts) in enumerate(zip(names.astype("U").tolist(), votes.tolist(), strict=True)):
        by_name = dict(zip(columns, counts, strict=True))
        where = f"{as_text(root)}: {as_text(name)}"
        split = next((split for split in SPLITS if split == pack.splits[i]), None)
        if split is None:
            account.complain("unknown split", where)
        elif not any(by_name[name] for name in EMOTIONS):
            _leave_out(by_name, where, account)
        else:
            yield _sample(images[offsets[i] : offsets[i + 1]].tobytes(), by_name, split, as_text(name))


def _whole_pack(path: Path) -> tuple[Pack, tuple[str, ...]]:
    """A pack whose arrays fit together, and the columns of its votes. Raises SourceError."""
    try:
        pack = Pack(path, ("votes", "vote_columns"))
        columns = tuple(pack.arrays["vote_columns"].astype("U").tolist())
        pack.arrays["name"].astype("U")
    except (PackError, ValueError, TypeError) as error:
        raise SourceError(as_text(str(error))) from error
    if missing := set(EMOTIONS) - set(columns):
        raise SourceError(f"{as_text(path)}: no votes for {', '.join(sorted(missing))}")
    count, arrays = pack.splits.size, pack.arrays
    shapes = [pack.splits.shape, *(arrays[name].shape for name in ("name", "offsets", "votes"))]
    fits = shapes == [(count,), (count,), (count + 1,), (count, len(columns))]
    kinds = arrays["images"].dtype == np.uint8 and arrays["votes"].dtype == np.uint8 and arrays["offsets"].dtype.kind in "iu"
    if not fits or not kinds:
        raise SourceError(f"{as_text(path)} is damaged: its arrays do not fit together")
    return pack, columns


def _sample(picture: bytes, votes: dict[str, int], split: Split, origin: str) -> Sample:
    """The sample of a face; `votes` hold at least one for an emotion, in the order that decides ties."""
    emotion = max((name for name in votes if name in EMOTIONS), key=lambda name: votes[name])
    total = sum(votes[name] for name in EMOTIONS)
    return Sample(picture, emotion, split, "ferplus", origin, votes=tuple(votes[name] / total for name in EMOTIONS))


def _leave_out(votes: dict[str, int], where: str, account: Account) -> None:
    """Count a face whose annotators chose no emotion, by what they chose."""
    chosen = max((name for name in votes if name in FERPLUS_LEFT_OUT), key=lambda name: votes[name], default=None)
    if chosen is not None and votes[chosen]:
        account.leave_out(FERPLUS_LEFT_OUT[chosen])
    else:
        account.complain("no votes", where)


def _votes(row: dict[str, str]) -> dict[str, int] | None:
    try:
        votes = {name: int(row[name]) for name in FERPLUS}
    except ValueError:  # counted by who asked
        return None
    return votes if all(0 <= count <= MOST_VOTES for count in votes.values()) else None


def _beside(
    faces: Iterator[NumberedRow], votes: Iterator[NumberedRow], name: str, account: Account
) -> Iterator[tuple[int, dict[str, str], dict[str, str]]]:
    """Number and both rows wherever both tables have one; where only one has, that is counted."""
    face, vote = next(faces, None), next(votes, None)
    while face and vote:
        if face[0] == vote[0]:
            yield face[0], face[1], vote[1]
        else:
            account.complain("row that only one of the two tables has", f"{name}:{min(face[0], vote[0])}")
        behind = min(face[0], vote[0])
        face, vote = (next(faces, None) if face[0] == behind else face), (next(votes, None) if vote[0] == behind else vote)
    for number, _ in filter(None, (face, vote)):
        account.complain("end of one of the two tables before the other's", f"{name}:{number}")


def _lacks_tables(root: Path) -> str:
    table = root if root.is_file() else root / TABLE
    missing = [name for name in (TABLE, fer2013.TABLE) if not table.with_name(name).is_file()]
    if not missing and table.name != TABLE:
        return f"{as_text(root.name)} is not {TABLE}"
    return f"no {' and no '.join(missing)}" if missing else ""


def _lacks_pack(root: Path) -> str:
    return "" if root.is_file() and root.suffix == ".npz" else "no file PACK.npz"


LAYOUTS = (
    Layout("FER+ as tables", _lacks_tables, read_tables),
    Layout("FER+ as a pack", _lacks_pack, read_pack),
)
