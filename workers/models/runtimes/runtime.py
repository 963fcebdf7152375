"""What every runtime of a net offers, whatever library computes it."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError

Batch = NDArray[np.uint8]  # (N, H, W, 3), RGB
Precision = Literal["f32", "bf16"]
Outputs = tuple[NDArray[np.float32], ...]


class OutOfMemory(FerstreamError):
    """The device has no memory for a batch of this size; a smaller one may fit."""


class Runtime(Protocol):
    """A net ready to run. The card's colour order, mean and std are part of it, so that a batch travels as bytes."""

    device: str
    library: str
    precision: str  # of the arithmetic: f32, bf16 or f16

    def __call__(self, batch: Batch) -> Outputs:
        """The net's outputs, float32, for a batch (N, H, W, 3). Safe to call from several threads.

        Raises OutOfMemory where the device cannot hold the batch.
        """
        ...
