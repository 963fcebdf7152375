"""Draws training, validation and test so that no person and no near duplicate is in two of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.emotions import EMOTIONS

Indices = NDArray[np.int64]
Splits = NDArray[np.str_]

#: What is held out first, and keeps a picture or a person that several splits have.
RANKS = ("test", "val", "train")
#: For each split that is drawn, which published ones it is drawn from, the first as far as it goes.
DRAWN_FROM = {"test": ("test", "val", "train", ""), "val": ("val", "test", "train", "")}
#: A split that a source lacks is one in so many of its training pictures.
ONE_IN = 10

SAME_PICTURE = "near duplicate of a held-out picture"
SAME_SUBJECT = "shows somebody who is held out"


class SplitError(FerstreamError):
    """The sources cannot be split as asked."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a split follows from, one row a picture."""

    labels: Indices  # (n,) as indices of EMOTIONS
    sources: NDArray[np.object_]  # (n,)
    published: NDArray[np.object_]  # (n,) the source's own split, "" where it has none
    clusters: Indices  # (n,) near duplicates of each other have the same
    people: Indices  # (n,) -1 where nobody is named

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The split of each row (n,), "" where it is removed, and how many are removed for what reason."""

    splits: Splits
    removed: Counter[str]


def study_splits(candidates: Candidates, held_out: Sequence[str], per_class: int, seed: int) -> Assignment:
    """Balanced test and validation of `per_class` pictures an emotion from the sources `held_out`; the rest is to train on.

    Published test and validation pictures are taken first. Of near duplicates one at most is held out. Raises SplitError, which
    names a number that would do.
    """
    eligible = _eligible(candidates.labels, candidates.sources, held_out)
    drawing = _Drawing(candidates, eligible, seed)
    assignment = drawing.assignment(per_class)
    if assignment is None:
        raise SplitError(_too_few(drawing, per_class))
    return assignment


def check_enough(labels: Indices, sources: NDArray[np.object_], held_out: Sequence[str], per_class: int) -> None:
    """Check by labels and sources (n,) alone whether study_splits can succeed, before any picture is read. Raises SplitError."""
    eligible = _eligible(labels, sources, held_out)
    there = np.bincount(labels, minlength=len(EMOTIONS))
    here = np.bincount(labels[eligible], minlength=len(EMOTIONS))
    # One more where nobody else has the emotion: it is to train on.
    most = np.where(there > 0, np.minimum(here, there - 1) // 2, per_class)
    least = int(most.argmin())
    if most[least] < per_class:
        raise SplitError(
            f"there are too few pictures to hold out {per_class} of every emotion twice: {', '.join(held_out)} has"
            f" {here[least]:,} of {EMOTIONS[least]}, for --per-class {most[least]} at most"
        )


def _eligible(labels: Indices, sources: NDArray[np.object_], held_out: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows (n,) may be held out. Raises SplitError where a source is not there, or an emotion not in any of them."""
    there = np.unique(sources.astype(str))
    if unknown := [name for name in held_out if name not in there]:
        raise SplitError(f"there is no source {unknown[0]} to hold out; there are {', '.join(there)}: name one with --held-out")
    eligible = np.isin(sources.astype(str), held_out)
    if lacking := [EMOTIONS[i] for i in np.setdiff1d(labels, labels[eligible])]:
        raise SplitError(
            f"{', '.join(held_out)} has no {' and no '.join(lacking)} to hold out, which another source has: name that with"
            " --held-out too"
        )
    return eligible


def published_splits(candidates: Candidates, seed: int) -> Assignment:
    """The sources' own splits. What a source lacks of test and validation is a tenth of its training pictures each.

    They are dealt in the order of emotions, so that each gives about a tenth; people and near duplicates stay together and count
    as what their first picture shows. A source always keeps some to train on.
    """
    splits = np.where(np.isin(candidates.published, RANKS), candidates.published, "train").astype("U5")
    for source in np.unique(candidates.sources.astype(str)):
        of_source = candidates.sources == source
        lacking = [split for split in RANKS[:2] if not (of_source & (splits == split)).any()]
        training = np.flatnonzero(of_source & (splits == "train"))
        random = np.random.default_rng((seed, *source.encode()))
        for row, place in zip(training, _dealt(candidates, training, random), strict=True):
            if 0 < place <= len(lacking):  # the first ones are to train on, however few there are
                splits[row] = lacking[place - 1]
    return _without_leaks(candidates, splits)


class _Drawing:
    """A draw of held-out pictures, which can be tried with several numbers."""

    def __init__(self, candidates: Candidates, eligible: NDArray[np.bool_], seed: int) -> None:
        self._candidates, self._eligible = candidates, eligible
        self._keys = np.random.default_rng(seed).random(len(candidates))

    def assignment(self, per_class: int) -> Assignment | None:
        """What each row is for, or None where there are too few pictures to hold out, or left to train on."""
        splits = self._draw(per_class)
        if splits is None:
            return None
        assignment = _without_leaks(self._candidates, splits)
        labels = self._candidates.labels
        return None if len(np.setdiff1d(labels, labels[assignment.splits == "train"])) else assignment

    def _draw(self, per_class: int) -> Splits | None:
        """A split for each row, or None where there are too few pictures."""
        splits = np.full(len(self._candidates), "train", "U5")
        clusters: set[int] = set()
        people: dict[int, str] = {}
        for split, preferred in DRAWN_FROM.items():
            wanted = np.where(np.bincount(self._candidates.labels, minlength=len(EMOTIONS)) > 0, per_class, 0)
            for row in self._order(preferred):
                label, cluster, person = (
                    int(column[row]) for column in (self._candidates.labels, self._candidates.clusters, self._candidates.people)
                )
                if not wanted[label] or cluster in clusters or people.get(person, split) != split:
                    continue
                splits[row] = split
                wanted[label] -= 1
                clusters.add(cluster)
                if person >= 0:
                    people[person] = split
            if wanted.any():
                return None
        return splits

    def _order(self, preferred: Sequence[str]) -> Indices:
        """Rows that may be held out, the preferred published splits first, within them as drawn, all of a person together:
        whoever is held out is lost to training, so that it should be few people."""
        rows = np.flatnonzero(self._eligible)
        ranks = np.array([preferred.index(split) for split in self._candidates.published[rows]])
        people = self._candidates.people[rows]
        _, first, place = np.unique(people, return_index=True, return_inverse=True)
        keys = np.where(people < 0, self._keys[rows], self._keys[rows[first[place]]])
        return rows[np.lexsort((self._keys[rows], keys, ranks))]


def _too_few(drawing: _Drawing, per_class: int) -> str:
    enough, too_many = 0, per_class
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        enough, too_many = (middle, too_many) if drawing.assignment(middle) is not None else (enough, middle)
    advice = f"--per-class {enough} would do" if enough else "not even --per-class 1 would do: hold out more with --held-out"
    return f"there are too few pictures to hold out {per_class} of every emotion twice and train on others: {advice}"


def _without_leaks(candidates: Candidates, splits: Splits) -> Assignment:
    """Remove what shows a person, or is a near duplicate of a picture, of a split that ranks higher."""
    ranks = np.select([splits == split for split in RANKS], range(len(RANKS)))
    removed: Counter[str] = Counter()
    for groups, reason in ((candidates.people, SAME_SUBJECT), (candidates.clusters, SAME_PICTURE)):
        named = (groups >= 0) & (splits != "")
        first = np.full(groups.max(initial=0) + 1, len(RANKS))
        np.minimum.at(first, groups[named], ranks[named])
        leaks = named & (ranks > first[groups])
        splits[leaks] = ""
        if leaks.any():
            removed[reason] = int(leaks.sum())
    return Assignment(splits, removed)


def _dealt(candidates: Candidates, rows: Indices, random: np.random.Generator) -> Indices:
    """A place from 0 to ONE_IN - 1 for each of `rows`: equal for people and near duplicates, and about as many of each."""
    group = _groups(candidates, rows)
    _, first, place = np.unique(group, return_index=True, return_inverse=True)
    order = np.lexsort((random.random(len(first)), candidates.labels[rows[first]]))
    dealt = np.empty(len(first), np.int64)
    dealt[order] = np.arange(len(first)) % ONE_IN
    return dealt[place]


def _groups(candidates: Candidates, rows: Indices) -> Indices:
    """The number of the group that each of `rows` is in: those of one person or one cluster, directly or by others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(rows)
    _, clusters = np.unique(candidates.clusters[rows], return_inverse=True)
    nobody = candidates.people[rows] < 0
    _, people = np.unique(np.where(nobody, -1 - np.arange(count), candidates.people[rows]), return_inverse=True)
    ends = np.concatenate([clusters + count, people + 2 * count])
    starts = np.tile(np.arange(count), 2)
    graph = coo_array((np.ones(2 * count, bool), (starts, ends)), shape=(3 * count, 3 * count))
    _, component = connected_components(graph, directed=False)
    groups: Indices = component[:count].astype(np.int64)
    return groups
