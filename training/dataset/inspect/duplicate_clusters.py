"""Pictures that are there more than once: in clusters, and which sources, splits and emotions a cluster joins."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]  # (n,)


@dataclass(frozen=True)
class DuplicateClusters:
    """The clusters of n pictures that have two members or more.

    `members` are places of pictures (m,), cluster by cluster; `cluster` (m,) counts from 0 in the order of first members.
    """

    members: Labels
    cluster: Labels

    @classmethod
    def of(cls, cluster: Labels) -> "DuplicateClusters":
        """The clusters of pictures, from the number (n,) of the cluster that each is in; numbers need not be in order."""
        _, first, place, sizes = np.unique(cluster, return_index=True, return_inverse=True, return_counts=True)
        members = np.flatnonzero(sizes[place] > 1)
        members = members[np.lexsort((members, first[place[members]]))]
        _, numbers = np.unique(first[place[members]], return_inverse=True)
        return cls(members, numbers.astype(np.int64))

    @classmethod
    def exact(cls, digests: NDArray[np.uint8]) -> "DuplicateClusters":
        """The clusters of pictures that have the same digest (n, bytes)."""
        keys = np.ascontiguousarray(digests).view(f"V{digests.shape[1]}").ravel() if len(digests) else np.zeros(0, np.int64)
        return cls.of(np.unique(keys, return_inverse=True)[1].astype(np.int64))

    def __len__(self) -> int:
        return int(self.cluster[-1]) + 1 if len(self.cluster) else 0

    @cached_property
    def sizes(self) -> Labels:
        """Members of each cluster."""
        return np.bincount(self.cluster, minlength=len(self)).astype(np.int64)

    @property
    def superfluous(self) -> int:
        """Pictures beyond the first of each cluster."""
        return len(self.members) - len(self)

    def by(self, labels: Labels, count: int) -> NDArray[np.int64]:
        """Members (clusters, count) of each cluster with each of the labels that the n pictures have."""
        return np.bincount(self.cluster * count + labels[self.members], minlength=len(self) * count).reshape(len(self), count)

    def shared(self, labels: Labels, count: int) -> NDArray[np.int64]:
        """Clusters (count, count) with a picture of both labels; on the diagonal, with two of one label."""
        members = self.by(labels, count)
        there = (members > 0).astype(np.int64)
        matrix: NDArray[np.int64] = there.T @ there
        np.fill_diagonal(matrix, (members > 1).sum(axis=0))
        return matrix

    def met(self, labels: Labels, here: int, there: int) -> int:
        """Pictures labelled `here` that share a cluster with one labelled `there`."""
        members = self.by(labels, max(int(labels.max(initial=0)), here, there) + 1)
        return int(members[members[:, there] > 0, here].sum())

    def differing(self, labels: Labels, count: int) -> Labels:
        """The clusters whose members differ in their label."""
        return np.flatnonzero((self.by(labels, count) > 0).sum(axis=1) > 1)

    def of_cluster(self, cluster: int) -> Labels:
        """Places of a cluster's members."""
        return self.members[np.searchsorted(self.cluster, cluster) : np.searchsorted(self.cluster, cluster, side="right")]


def varied(places: Labels, labels: Sequence[Labels], most: int) -> Labels:
    """At most `most` of the places, first one of every kind of label there is among them, so that a difference shows."""
    kinds = np.stack([label[places] for label in labels], axis=1)
    _, first = np.unique(kinds, axis=0, return_index=True)
    rest = np.setdiff1d(np.arange(len(places)), first)
    chosen: Labels = places[np.concatenate([np.sort(first), rest])[:most]]
    return chosen
