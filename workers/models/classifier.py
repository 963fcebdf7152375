"""The emotion classifier: square crops in, calibrated probabilities out."""

import numpy as np
from numpy.typing import NDArray

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


def softmax(logits: Float) -> Float:
    """Rows of logits (N, labels) as probabilities."""
    shifted: Float = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)
