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


#: Full batches after which a larger one is tried; twice as many after each time that this failed, up to a bound.
PROBE_AFTER, PROBE_AFTER_AT_MOST = 100, 10_000


class OomRetry:
    """Calls a model with batches of at most `limit` items, and halves the limit when the device runs out of memory.

    After a while it is doubled again, up to where it began: another process may have left the device. A device that is too
    small for good is asked ever more rarely. `on_halved` is called each time the limit is halved.
    """

    def __init__(self, model: str, limit: int, on_halved: Callable[[], None] = lambda: None) -> None:
        self.model, self.limit, self._on_halved = model, limit, on_halved
        self._most = limit
        self._full, self._probe_after, self._probed = 0, PROBE_AFTER, 0

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
                self._halve(len(part), error)
            else:
                self._succeeded(len(part))
        return results

    def _halve(self, failed: int, error: OutOfMemory) -> None:
        # Another thread may have halved it meanwhile, or further.
        self.limit = min(self.limit, failed // 2)
        self._full = 0
        if failed == self._probed:
            self._probe_after = min(2 * self._probe_after, PROBE_AFTER_AT_MOST)
        self._on_halved()
        log.warning("%s: %s, going on with batches of %d", self.model, error, self.limit)

    def _succeeded(self, items: int) -> None:
        if not self.limit <= items < self._most:  # of a larger batch it says nothing, or there is none to try
            return
        self._full += 1
        if self._full >= self._probe_after:
            self._probed = self.limit = min(2 * self.limit, self._most)
            self._full = 0
            log.info("%s: trying batches of %d again", self.model, self.limit)
