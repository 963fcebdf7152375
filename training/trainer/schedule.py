"""Learning rates over a run."""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warm_cosine(optimiser: Optimizer, warm_up: int, total: int) -> LambdaLR:
    """A linear rise over `warm_up` steps, then half a cosine to zero at step `total`."""
    return warm(optimiser, warm_up, lambda step: 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up))))


def warm_steps(optimiser: Optimizer, warm_up: int, every: int, factor: float) -> LambdaLR:
    """A linear rise over `warm_up` steps; the rate is multiplied by `factor` every `every` steps of the run. 1 leaves it."""
    return warm(optimiser, warm_up, lambda step: factor ** (step // every))


def warm(optimiser: Optimizer, warm_up: int, after: Callable[[int], float]) -> LambdaLR:
    """A linear rise over `warm_up` steps, then `after(step)` times the optimiser's rate."""

    def factor(step: int) -> float:
        return (step + 1) / warm_up if step < warm_up else after(step)

    return LambdaLR(optimiser, factor)
