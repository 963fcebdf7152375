"""What every runtime of a net offers, whatever library computes it, and what to do when a device is out of memory."""

import logging
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError

log = logging.getLogger(__name__)

Batch = NDArray[np.uint8]  # (N, H, W, 3), RGB
Precision = Literal["f32", "bf16"]
Outputs = tuple[NDArray[np.float32], ...]

T = TypeVar("T")
R = TypeVar("R")


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


class OomRetry:
    """Calls a model with batches of at most `limit` items, and halves the limit when the device runs out of memory.

    The limit stays halved: a device that is shared with another process would else fail at every batch. `on_halved` is called
    each time.
    """

    def __init__(self, model: str, limit: int, on_halved: Callable[[], None] = lambda: None) -> None:
        self.model, self.limit, self._on_halved = model, limit, on_halved

    def __call__(self, function: Callable[[Sequence[T]], Sequence[R]], batch: Sequence[T]) -> list[R]:
        """The results of `function` over all of `batch`. Raises OutOfMemory where a single item does not fit."""
        results: list[R] = []
        while len(results) < len(batch):
            part = batch[len(results) : len(results) + self.limit]
            try:
                results += function(part)
            except OutOfMemory as error:
                if len(part) == 1:
                    raise
                self.limit = max(1, len(part) // 2)
                self._on_halved()
                log.warning("%s: %s, going on with batches of %d", self.model, error, self.limit)
        return results
