"""Batch normalisations folded into the convolutions before them, as every runtime folds them."""

from itertools import pairwise

import torch
from torch import nn


@torch.no_grad()
def fold_normalisations(net: nn.Module) -> None:
    """Give each convolution the scale of the normalisation after it, and leave that only its shift; `net` computes the same.

    Without, a weight is rounded before the scale in torch's form of a model and after it in the folded one, and the two differ.
    """
    layers = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    for convolution, norm in pairwise(layers):
        if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d) or convolution.bias is not None:
            continue
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            continue
        scale = norm.weight * (variance + norm.eps).rsqrt()
        convolution.weight.mul_(scale.view(-1, 1, 1, 1))
        norm.bias.sub_(mean * scale)
        norm.weight.fill_(1)
        mean.zero_()
        variance.fill_(1 - norm.eps)
