"""`fer-train dataset prepare`: published datasets made into one."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import as_text
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.prepare.counts import counts, repeats
from ferstream.training.dataset.prepare.dataset_writer import CHUNK, already_made, complete, make_parts, open_folder
from ferstream.training.dataset.prepare.disk_space import DiskNeed
from ferstream.training.dataset.prepare.fingerprints import DISTANCE
from ferstream.training.dataset.prepare.manifest import SCHEMA, Prepared
from ferstream.training.dataset.prepare.near_duplicates import near_duplicates
from ferstream.training.dataset.prepare.part_files import count_parts
from ferstream.training.dataset.prepare.prepared_pictures import Piece, digest_of, encoded_size, prepare_pictures, state_of
from ferstream.training.dataset.prepare.splits import Assignment, Candidates, check_enough, published_splits, study_splits
from ferstream.training.sources.catalogue import SPELLINGS, Named, samples
from ferstream.training.sources.sample import Account, Sample

VERSION = 1


class PrepareError(FerstreamError):
    """No picture of the sources can be used, or `strict` refuses what was wrong with some."""


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """How a dataset is made of its sources."""

    splits: Literal["study", "published"] = "study"
    held_out: tuple[str, ...] = ("affectnet",)  # study: sources of validation and test
    per_class: int = 500  # study: pictures of each emotion in each of the two
    #: px. A net sees 224 and a random crop of at least four fifths of the picture, which 256 px still fill.
    largest_side: int = 256
    distance: int = DISTANCE  # bits in which near duplicates differ at most
    seed: int = 0


def prepare(
    sources: Sequence[Named], folder: Path, settings: PrepareSettings, processes: int, *, strict: bool = False
) -> Prepared:
    """Make the dataset in `folder`, or go on with it; the same sources and settings give the same bytes.

    Raises SourceError, SplitError, OutputError, NoRoomError, PrepareError, ParallelError.
    """
    settings = replace(settings, held_out=tuple(SPELLINGS.get(name.lower(), name.lower()) for name in settings.held_out))
    account = Account(strict)
    of_source = [list(samples(source, account)) for source in sources]
    found = [sample for some in of_source for sample in some]
    if settings.splits == "study":
        names = np.array([sample.source for sample in found], object)
        check_enough(_labels(sample.emotion for sample in found), names, settings.held_out, settings.per_class)
    about = _about([some[0].source for some in of_source], sources, found, settings)
    if made := already_made(folder, about):
        return _accepted(made, strict)
    with open_folder(folder):
        rows = _rows(folder, found, settings, account, processes)
        if not len(rows):
            raise PrepareError(f"no picture of {', '.join(map(str, sources))} can be read")
        return _finish(folder, rows, settings, about, account)


def _accepted(made: Prepared, strict: bool) -> Prepared:
    """A dataset that was made before. Raises PrepareError where `strict` and something was wrong then."""
    if strict and (wrong := made.about.get("wrong")):
        raise PrepareError(f"{made.folder} was made without --strict: {', '.join(f'{wrong[name]} x {name}' for name in wrong)}")
    return made


def _rows(folder: Path, found: Sequence[Sample], settings: PrepareSettings, account: Account, processes: int) -> pa.Table:
    """The rows of all pictures that can be read."""
    side = settings.largest_side
    pieces = [Piece(folder, side, found[start : start + CHUNK]) for start in range(0, len(found), CHUNK)]
    done = count_parts(folder, map(digest_of, pieces)) * CHUNK
    need = DiskNeed.estimate(folder, found, partial(encoded_size, largest_side=side), done)
    need.check(folder)
    tables = []
    for table in make_parts(folder, pieces, prepare_pictures, [len(piece.samples) for piece in pieces], need, processes):
        _complain(table, account)
        tables.append(table.filter(pc.is_null(table["wrong"])))
    return pa.concat_tables(tables).combine_chunks()


def _finish(folder: Path, rows: pa.Table, settings: PrepareSettings, about: dict[str, Any], account: Account) -> Prepared:
    """Split what is there, and write the manifest."""
    hashes = np.frombuffer(b"".join(rows["phash"].to_pylist()), np.uint8).reshape(len(rows), -1)
    clusters = near_duplicates(hashes, settings.distance)
    assignment = _assign(rows, clusters, settings)
    kept = assignment.splits != ""
    splits = pa.array(assignment.splits.tolist(), pa.string())
    chosen = rows.select(SCHEMA.names).set_column(SCHEMA.get_field_index("split"), "split", splits)
    chosen = chosen.filter(pa.array(kept)).combine_chunks()
    return complete(
        folder,
        chosen,
        about
        | counts(chosen)
        | {
            "left_out": _sorted(account.left_out),
            "wrong": _sorted(account.wrong),
            "removed": _sorted(assignment.removed),
            "repeats": repeats(chosen, clusters[kept]),
        },
        set(rows["source"].to_pylist()),
    )


def _assign(rows: pa.Table, clusters: NDArray[np.int64], settings: PrepareSettings) -> Assignment:
    candidates = Candidates(
        labels=_labels(rows["emotion"].to_pylist()),
        sources=_texts(rows, "source"),
        published=_texts(rows, "split"),
        clusters=clusters,
        people=_people(rows),
    )
    if settings.splits == "published":
        return published_splits(candidates, settings.seed)
    return study_splits(candidates, settings.held_out, settings.per_class, settings.seed)


def _labels(emotions: Iterable[str]) -> NDArray[np.int64]:
    """Indices of EMOTIONS (n,)."""
    index: dict[str, int] = {name: i for i, name in enumerate(EMOTIONS)}
    return np.array([index[name] for name in emotions], np.int64)


def _people(rows: pa.Table) -> NDArray[np.int64]:
    """A number for each subject of each source, -1 where none is named (n,)."""
    names = list(zip(rows["source"].to_pylist(), rows["subject"].to_pylist(), strict=True))
    numbers: dict[tuple[str, str | None], int] = {}
    return np.array([-1 if name[1] is None else numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _texts(rows: pa.Table, name: str) -> NDArray[np.object_]:
    values: NDArray[np.object_] = rows[name].to_numpy(zero_copy_only=False)
    return values


def _complain(table: pa.Table, account: Account) -> None:
    """Count what could not be read."""
    for row in table.filter(pc.is_valid(table["wrong"])).select(["source", "origin", "wrong"]).to_pylist():
        account.complain(row["wrong"], f"{row['source']} {row['origin']}")


def _about(
    schemes: Sequence[str], sources: Sequence[Named], found: Sequence[Sample], settings: PrepareSettings
) -> dict[str, Any]:
    """How the dataset is made: the same on every machine, but for the times of the files."""
    return {
        "version": VERSION,
        "made_by": "prepare",
        "sources": [
            {"scheme": scheme, "name": as_text(source.path.resolve().name)}
            for scheme, source in zip(schemes, sources, strict=True)
        ],
        "samples": {"count": len(found), "digest": _digest(found), "files": _files(found)},
        "settings": asdict(settings) | {"held_out": list(settings.held_out)},
    }


def _digest(found: Sequence[Sample]) -> str:
    """A digest of which pictures there are, of their labels, and of the bytes of those that are no files themselves."""
    digest = hashlib.sha256()
    for sample in found:
        about = (sample.source, sample.origin, sample.emotion, sample.split, sample.subject, sample.box, sample.votes)
        digest.update(repr((about, sorted(sample.groups.items()))).encode("utf-8", "backslashreplace"))
        if isinstance(sample.picture, bytes):
            digest.update(sample.picture)
    return digest.hexdigest()[:16]


def _files(found: Sequence[Sample]) -> str:
    """A digest of the sizes and times of the files: a picture that was replaced is another one."""
    digest = hashlib.sha256()
    for sample in found:
        if isinstance(sample.picture, Path):
            digest.update(state_of(sample.picture))
    return digest.hexdigest()[:16]


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
