"""Grad-CAM: which places of a picture speak for an answer (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391)."""

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from ferstream.streams.errors import FerstreamError
from ferstream.training.study.evaluate.rollout import Maps, largest_one, on_grid


class SaliencyError(FerstreamError):
    """A net has no layer whose places are places of the picture."""


def no_places(net: nn.Module) -> SaliencyError:
    """The error that says so, of this net."""
    return SaliencyError(
        f"{type(net).__name__} has no layer whose places are places of the picture, and so no maps: --explain 0 goes without"
    )


def grad_cam(net: nn.Module, pixels: Tensor, classes: Tensor) -> Maps:
    """One map for each of the normalised pictures (N, 3, H, W) and its class (N,): the weighted sum of the last features that
    still have places, each weighted by its mean gradient, what speaks against the class cut off. Its largest value is 1.

    In a transformer these are the tokens that the last block's attention reads. Raises SaliencyError.
    """
    net.eval()
    with torch.enable_grad():
        features, logits = _token_pass(net, pixels) if isinstance(net, VisionTransformer) else _map_pass(net, pixels)
        chosen = logits.gather(1, classes[:, None].to(logits.device)).sum()  # pictures do not see each other in evaluation
        gradients = torch.autograd.grad(chosen, features)[0]
    if isinstance(net, VisionTransformer):
        prefix = net.num_prefix_tokens
        features, gradients = on_grid(net, features[:, prefix:]), on_grid(net, gradients[:, prefix:])
    elif getattr(net, "output_fmt", "NCHW") == "NHWC":  # timm's windowed transformers keep channels last
        features, gradients = features.permute(0, 3, 1, 2), gradients.permute(0, 3, 1, 2)
    weights = gradients.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
    return largest_one((weights * features).sum(dim=1).relu().detach().float())


def _token_pass(net: VisionTransformer, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens (N, tokens, C) before the last attention, and logits."""
    found: list[Tensor] = []
    if not hasattr(net.blocks[-1], "norm1"):  # blocks whose parts run side by side
        raise no_places(net)
    hook = net.blocks[-1].norm1.register_forward_hook(lambda _module, _inputs, output: found.append(output))
    try:
        logits = net(pixels)
    finally:
        hook.remove()
    return found[-1], logits


def _map_pass(net: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The last output (N, C, h, w) of any layer that has more than one place, and logits."""
    found: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1:
            found[:] = [output]

    hooks = [module.register_forward_hook(keep) for module in net.modules()]  # a stage speaks after its layers
    try:
        logits = net(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    if not found or not found[0].requires_grad:
        raise no_places(net)
    return found[0], logits
