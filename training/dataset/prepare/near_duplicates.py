"""Pictures whose perceptual hashes are near each other, found exactly and without looking at every pair."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

#: Hashes are cut into bands of so many bits.
BAND = 16
#: Pairs compared at a time, and pairs found before they are joined: what bounds memory.
PAIRS = 1 << 18
#: Bits of a band up to which near keys are looked up; with more, to look at every pair takes less. For 256 bits, that is beyond a
#: distance of 47.
LARGEST_RADIUS = 2

Pairs = NDArray[np.int64]  # (2, n)


def near_duplicates(hashes: NDArray[np.uint8], distance: int) -> NDArray[np.int64]:
    """The cluster (n,) of each hash (n, bytes): hashes within `distance` bits of each other are in one, directly or by others.

    Clusters are numbered from 0 in the order of their first member. A hash has an even number of bytes.

    Exact for every `distance`, by the pigeonhole principle: where each band i of two hashes differs in more than r_i bits, the
    hashes differ in sum(r_i + 1) bits, so only pairs within r_i in some band need be compared (Norouzi et al. 2012, multi-index
    hashing, https://arxiv.org/abs/1307.2982).
    """
    if not len(hashes):
        return np.zeros(0, np.int64)
    different, place = np.unique(hashes, axis=0, return_inverse=True)
    bands = np.ascontiguousarray(different).view(np.uint16)  # (m, bands)
    words = np.pad(different, ((0, 0), (0, -hashes.shape[1] % 8))).view(np.uint64)  # (m, words)
    cluster = np.arange(len(different))
    found: list[Pairs] = []
    waiting = 0
    for band, radius in _searches(bands, distance):
        order = np.argsort(band, kind="stable")
        ordered = np.ascontiguousarray(words[order].T)  # (words, m): what is compared lies together
        for candidates in _candidates(band[order], radius):
            pairs = order[_near(ordered, candidates, distance)]
            found.append(pairs[:, cluster[pairs[0]] != cluster[pairs[1]]])
            waiting += found[-1].shape[1]
            if waiting > PAIRS:
                cluster, found, waiting = _joined(cluster, found), [], 0
    return _renumbered(_joined(cluster, found)[place.ravel()])


def _searches(bands: NDArray[np.uint16], distance: int) -> Iterator[tuple[NDArray[np.uint16], int]]:
    """Bands to look at with the r_i of each, sum(r_i + 1) = distance + 1; or one key for all, so that every pair is looked at."""
    count = bands.shape[1]
    each, more = divmod(distance + 1, count)
    if each - 1 + bool(more) > LARGEST_RADIUS:
        yield np.zeros(len(bands), np.uint16), 0
        return
    for number, band in enumerate(bands.T):
        radius = each - 1 + (number < more)
        if radius >= 0:
            yield band, radius


def _candidates(keys: NDArray[np.uint16], radius: int) -> Iterator[Pairs]:
    """Pairs of places in `keys` (m,), which are in order, that differ in at most `radius` bits."""
    wide = keys.astype(np.int64)
    starts = np.searchsorted(keys, np.arange(2**BAND + 1))
    places = np.arange(len(keys))
    yield from _expanded(places, places + 1, starts[wide + 1])
    for flip in _flips(radius):
        lower = np.flatnonzero(wide < wide ^ flip)
        other = wide[lower] ^ flip
        yield from _expanded(lower, starts[other], starts[other + 1])


def _flips(radius: int) -> Iterator[int]:
    """Every way to change one to `radius` bits of a band."""
    for count in range(1, radius + 1):
        for bits in combinations(range(BAND), count):
            yield sum(1 << bit for bit in bits)


def _expanded(first: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]) -> Iterator[Pairs]:
    """Pairs of first[k] with each of begin[k]:end[k], at most PAIRS at a time or those of one k."""
    ends = np.cumsum(end - begin)
    k = 0
    while k < len(ends):
        done = int(ends[k - 1]) if k else 0
        until = max(int(np.searchsorted(ends, done + PAIRS, side="right")), k + 1)
        counts = (end - begin)[k:until]
        offsets = np.repeat(begin[k:until] - ends[k:until] + counts, counts)
        yield np.stack([np.repeat(first[k:until], counts), offsets + np.arange(done, int(ends[until - 1]))])
        k = until


def _near(words: NDArray[np.uint64], pairs: Pairs, distance: int) -> Pairs:
    """Those of `pairs` whose words (words, m) differ in at most `distance` bits; most are far apart before the last word."""
    differing = np.zeros(pairs.shape[1], np.uint16)
    for row, word in enumerate(words):
        differing += np.bitwise_count(word[pairs[0]] ^ word[pairs[1]])
        if row % 2:
            near = differing <= distance
            pairs, differing = pairs[:, near], differing[near]
    return pairs[:, differing <= distance]


def _joined(cluster: NDArray[np.int64], found: list[Pairs]) -> NDArray[np.int64]:
    """Clusters with those joined that a pair connects."""
    if not found:
        return cluster
    ends = cluster[np.concatenate(found, axis=1)]
    graph = coo_array((np.ones(ends.shape[1], bool), (ends[0], ends[1])), shape=(len(cluster), len(cluster)))
    _, component = connected_components(graph, directed=False)
    joined: NDArray[np.int64] = component.astype(np.int64)[cluster]
    return joined


def _renumbered(cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same clusters, numbered in the order of their first member."""
    _, first, place = np.unique(cluster, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place.ravel()]
