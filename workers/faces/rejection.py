"""Whether a face is named at all: what cannot be told is said to be unknown."""

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import UNKNOWN
from ferstream.workers.models.card import ModelCard


def name_of(probabilities: NDArray[np.float32], quality: float, card: ModelCard) -> str:
    """The likeliest of the card's labels, or UNKNOWN where it or the quality of the face is below the card's thresholds.

    `probabilities` (labels,). The thresholds come from a risk-coverage curve (El-Yaniv and Wiener 2010,
    https://jmlr.org/papers/v11/el-yaniv10a.html).
    """
    best = int(probabilities.argmax())
    if quality < card.least_quality or probabilities[best] < card.least_probability:
        return UNKNOWN
    return card.labels[best]
