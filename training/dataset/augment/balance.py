"""As many samples of every class: which originals, and how many augmented copies of each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def balanced(
    labels: Indices, target: int, seed: int, digests: Sequence[str] | NDArray[np.object_] | None = None
) -> tuple[Indices, Indices]:
    """Rows (m,) of `labels` (n,) and the number of the copy (m,) of each, 0 for the original, in the order of both.

    A class of `target` or more samples gives that many of them, drawn; of a smaller one every original is kept and has
    target / count - 1 copies, rounded up for some originals, which are drawn, and down for the others. A class that is not there
    gives nothing. Rows of one of the `digests` (n,) share a file: its copies are numbered over all of them, so that no two of
    its copies, which follow from file and number, are the same.
    """
    rows, copies = [], []
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        random = np.random.default_rng((seed, int(label)))
        if len(of_class) >= target:
            times = np.zeros(len(of_class), np.int64)
            times[random.choice(len(of_class), target, replace=False)] = 1
        else:
            times = np.full(len(of_class), target // len(of_class))
            times[random.choice(len(of_class), target % len(of_class), replace=False)] += 1
        starts = np.cumsum(times) - times
        rows.append(np.repeat(of_class, times))
        copies.append(np.arange(times.sum()) - np.repeat(starts, times))
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    together, numbers = np.concatenate(rows), np.concatenate(copies)
    order = np.lexsort((numbers, together))
    together, numbers = together[order], numbers[order]
    if digests is not None:
        copied = numbers > 0
        numbers[copied] = _numbers_within(np.asarray(digests, np.str_)[together[copied]])
    return together, numbers


def _numbers_within(names: NDArray[np.str_]) -> Indices:
    """The how-manieth each is of its name, from 1 (n,)."""
    _, place, counts = np.unique(names, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    numbers = np.empty(len(names), np.int64)
    numbers[order] = np.arange(len(names)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    return numbers
