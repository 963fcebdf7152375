"""Learning rates over a run."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warm_cosine(optimiser: Optimizer, warm_up: int, total: int) -> LambdaLR:
    """A linear rise over `warm_up` steps, then half a cosine to zero at step `total`."""

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))

    return LambdaLR(optimiser, factor)
