"""Selective classification: the risk-coverage curve of faces that are named, and the threshold under which to name none
(El-Yaniv and Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Risk, the share of wrong names, over coverage, the share of faces named, both (n,), the surest face first.

    `confidence` (n,) is that of the last face named at each point.
    """

    confidence: Float
    coverage: Float
    risk: Float

    @classmethod
    def of(cls, confidence: Float, hits: NDArray[np.bool_]) -> "RiskCoverage":
        """The curve of faces named from the surest to the least sure."""
        order = np.argsort(-confidence, kind="stable")
        named = np.arange(1, len(order) + 1)
        return cls(
            np.asarray(confidence[order], np.float32),
            (named / len(order)).astype(np.float32),
            (np.cumsum(~hits[order]) / named).astype(np.float32),
        )

    def at(self, threshold: float) -> tuple[float, float]:
        """Coverage and risk where faces under `threshold` are not named."""
        last = int((self.confidence >= threshold).sum()) - 1
        return (float(self.coverage[last]), float(self.risk[last])) if last >= 0 else (0.0, 0.0)


def least_confidence(confidence: Float, hits: NDArray[np.bool_]) -> float:
    """The threshold under which a name is likelier wrong than right; 0 where none is.

    How often names are right is taken to grow with confidence, and fitted so (isotonic regression by pooling adjacent violators:
    Ayer et al. 1955, https://doi.org/10.1214/aoms/1177728423).
    """
    order = np.argsort(confidence, kind="stable")
    right = isotonic_regression(hits[order].astype(float)).x
    worth = np.flatnonzero(right >= 0.5)
    if not len(worth):
        return float(np.nextafter(confidence.max(), np.float32(np.inf)))
    return float(confidence[order][worth[0]]) if worth[0] else 0.0
