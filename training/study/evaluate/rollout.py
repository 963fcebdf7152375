"""Attention rollout: which places of a picture a transformer's answer draws on (Abnar and Zuidema 2020,
https://arxiv.org/abs/2005.00928)."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

Maps = NDArray[np.float32]  # (N, h, w), 0 to 1: one value for each token of the picture


@torch.no_grad()
def attention_rollout(net: nn.Module, pixels: Tensor) -> Maps | None:
    """One map for each of the normalised pictures (N, 3, H, W), its largest value 1; None of a net without such attention.

    Attention is averaged over the heads of a block, half of it is what the residual connection hands on, and the blocks are
    multiplied. Read at the class token, or, where the mean of the tokens is classified, averaged over them.
    """
    if not isinstance(net, VisionTransformer) or not readable(net):
        return None
    with attention_of(net) as blocks:
        net(pixels)
    rolled = torch.eye(blocks[0].shape[-1], device=pixels.device).expand(len(pixels), -1, -1)
    for attention in blocks:
        mean = attention.float().mean(dim=1)  # (N, tokens, tokens), over the heads
        rolled = (mean + torch.eye(mean.shape[-1], device=mean.device)) / 2 @ rolled
    prefix = net.num_prefix_tokens
    read = rolled[:, 0] if net.global_pool == "token" else rolled[:, prefix:].mean(dim=1)
    return largest_one(on_grid(net, read[:, prefix:, None])[:, 0])


def readable(net: VisionTransformer) -> bool:
    """Whether its blocks compute attention in the open: with a dropout, that sees it, between softmax and values."""
    attentions = [getattr(block, "attn", None) for block in net.blocks]
    return bool(attentions) and all(
        hasattr(attention, "fused_attn") and hasattr(attention, "attn_drop") for attention in attentions
    )


@contextmanager
def attention_of(net: VisionTransformer) -> Iterator[list[Tensor]]:
    """A list that a pass through the net within the context fills: attention (N, heads, tokens, tokens) of each block."""
    found: list[Tensor] = []
    with ExitStack() as stack:
        for block in net.blocks:
            stack.enter_context(_in_the_open(block.attn))
            hook = block.attn.attn_drop.register_forward_hook(lambda _module, inputs, _output: found.append(inputs[0]))
            stack.callback(hook.remove)
        yield found


@contextmanager
def _in_the_open(attention: Any) -> Iterator[None]:  # noqa: ANN401 - an attention of timm's
    """Fused attention never forms the matrix: for a while it is computed step by step."""
    fused = attention.fused_attn
    attention.fused_attn = False
    try:
        yield
    finally:
        attention.fused_attn = fused


def on_grid(net: VisionTransformer, tokens: Tensor) -> Tensor:
    """Values of the picture's tokens (N, h * w, C) where they belong (N, C, h, w)."""
    height, width = net.patch_embed.grid_size
    return tokens.transpose(1, 2).reshape(len(tokens), -1, height, width)


def largest_one(maps: Tensor) -> Maps:
    """Each map divided by its largest value; one that is zero everywhere stays so."""
    peaks = maps.amax(dim=(1, 2), keepdim=True)
    return np.asarray((maps / peaks.clamp_min(torch.finfo(maps.dtype).tiny)).cpu().numpy(), np.float32)
