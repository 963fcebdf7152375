"""McNemar's exact test: whether two classifiers differ on the same faces by more than chance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

#: A difference that chance makes less often than this is said to be more than chance.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """Two classifiers on the same faces: how many only one of them has right.

    `p` is how often chance alone makes a difference as large where neither is better (McNemar 1947,
    https://doi.org/10.1007/BF02295996, exact); `p_holm` is the same after all pairs are tested.
    """

    one: str
    two: str
    n: int
    only_one: int
    only_two: int
    p: float
    p_holm: float

    @classmethod
    def of(cls, one: str, two: str, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> "Pair":
        """The pair of two classifiers, from which answers (n,) of each are right."""
        only_one, only_two = int((first & ~second).sum()), int((second & ~first).sum())
        apart = only_one + only_two
        p = float(binomtest(only_one, apart).pvalue) if apart else 1.0
        return cls(one, two, len(first), only_one, only_two, p, p)

    def words(self) -> str:
        """The outcome of the test as a sentence."""
        apart = abs(self.only_one - self.only_two) / max(1, self.n)
        if self.p_holm >= LEVEL:
            return f"{self.one} and {self.two} differ by {100 * apart:.1f} %, which may be chance."
        better, other = (self.one, self.two) if self.only_one > self.only_two else (self.two, self.one)
        return f"{better} is better than {other} by {100 * apart:.1f} %, which is more than chance."

    def figures(self) -> dict[str, Any]:
        """The pair as a map for JSON."""
        return asdict(self) | {"says": self.words()}


def holm(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with their `p_holm`: of many tests, some show a difference by chance.

    Holm 1979, https://www.jstor.org/stable/4615733.
    """
    adjusted = list(pairs)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(pairs)), key=lambda place: pairs[place].p)):
        largest = max(largest, min(1.0, (len(pairs) - rank) * pairs[place].p))
        adjusted[place] = replace(pairs[place], p_holm=largest)
    return adjusted
