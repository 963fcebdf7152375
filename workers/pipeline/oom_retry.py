"""Going on after the device had no memory for a batch."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from ferstream.workers.metrics import OUT_OF_MEMORY
from ferstream.workers.models.runtimes.runtime import OutOfMemory

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


class Halving:
    """Calls a model with batches no larger than it has been found to bear: out of memory halves the limit."""

    def __init__(self, model: str, limit: int) -> None:
        self.model, self.limit = model, limit

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
                OUT_OF_MEMORY.labels(self.model).inc()
                log.warning("%s: %s, going on with batches of %d", self.model, error, self.limit)
        return results
