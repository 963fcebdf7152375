"""The emotion classifier: square crops in, calibrated probabilities out, and whether they are enough to name an emotion."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import UNKNOWN
from ferstream.workers.models.card import ModelCard
from ferstream.workers.models.runtimes.runtime import Batch, Runtime

Float = NDArray[np.float32]


class Classifier:
    """Names the apparent expression of a batch of faces.

    Raises OutOfMemory, from the runtime, where a batch does not fit the device.
    """

    def __init__(self, runtime: Runtime, card: ModelCard) -> None:
        self.card = card
        self.device, self.library, self.precision = runtime.device, runtime.library, runtime.precision
        self._runtime = runtime

    def logits(self, crops: Batch) -> Float:
        """Logits (N, labels), as the net gives them, of crops (N, side, side, 3) with `side` the card's input size."""
        return self._runtime(crops)[0]

    def __call__(self, crops: Batch) -> Float:
        """Probabilities (N, labels), each row summing to 1, after the card's temperature (Guo et al. 2017,
        https://arxiv.org/abs/1706.04599)."""
        return softmax(self.logits(crops) / self.card.temperature)

    def each(self, crops: Sequence[Batch]) -> list[Float]:
        """Probabilities (labels,) of each of `crops` (side, side, 3), which need not lie in one array yet."""
        return list(self(np.stack(crops)))


def softmax(logits: Float) -> Float:
    """Rows of logits (N, labels) as probabilities."""
    shifted: Float = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def name_of(probabilities: Float, quality: float, card: ModelCard) -> str:
    """The likeliest of the card's labels, or UNKNOWN where it or the quality of the face is below the card's thresholds.

    `probabilities` (labels,). The thresholds come from a risk-coverage curve (El-Yaniv and Wiener 2010,
    https://jmlr.org/papers/v11/el-yaniv10a.html).
    """
    best = int(probabilities.argmax())
    if quality < card.least_quality or probabilities[best] < card.least_probability:
        return UNKNOWN
    return card.labels[best]
