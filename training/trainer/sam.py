"""Sharpness-aware minimisation: the gradient is taken where the loss is worst near the weights.

Foret et al. 2021, https://arxiv.org/abs/2010.01412: with g the gradient at w, the step at w uses the gradient at w + rho g / |g|.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Sharpness:
    """Moves the parameters to the worst point within `rho`, and back."""

    def __init__(self, parameters: Iterable[nn.Parameter], rho: float) -> None:
        self._parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self._rho = rho

    @contextmanager
    def worst(self) -> Iterator[None]:
        """The parameters stand at w + rho g / |g| of their gradients within the block, and at w, bit by bit, after it.

        Gradients are zero at its beginning; what is there at its end is the gradient to step with.
        """
        before = self._climb()
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, kept in before:
                    parameter.copy_(kept)

    @torch.no_grad()
    def _climb(self) -> list[tuple[nn.Parameter, Tensor]]:
        moved = [(parameter, parameter.grad) for parameter in self._parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm([gradient for _, gradient in moved])
        scale = self._rho / (norm + 1e-12)
        before = []
        for parameter, gradient in moved:
            # Kept, not subtracted again: rounding would let the weights drift.
            before.append((parameter, parameter.clone()))
            parameter.add_(gradient * scale)
            parameter.grad = None
        return before


@contextmanager
def frozen_statistics(net: nn.Module) -> Iterator[None]:
    """Batch normalisations of `net` go on normalising by their batch, but do not count it twice in their running statistics."""
    layers = [(layer, layer.momentum) for layer in net.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    counts = [None if layer.num_batches_tracked is None else layer.num_batches_tracked.clone() for layer, _ in layers]
    for layer, _ in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for (layer, momentum), count in zip(layers, counts, strict=True):
            layer.momentum = momentum
            if count is not None and layer.num_batches_tracked is not None:
                layer.num_batches_tracked.copy_(count)
