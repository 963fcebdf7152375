"""Attention rollout: which places of a picture a transformer's answer draws on (Abnar and Zuidema 2020,
https://arxiv.org/abs/2005.00928)."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from timm.models.vision_transformer import VisionTransformer
from timm.utils import AttentionExtract
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
    blocks = attention_of(net, pixels)
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


def attention_of(net: VisionTransformer, pixels: Tensor) -> list[Tensor]:
    """Attention (N, heads, tokens, tokens) of each block, of a pass of the pictures through the net."""
    # A copy that shares the weights: fused attention never forms the matrix, so the copy's is not fused, and hooks stay on it.
    shared = {id(tensor): tensor for tensor in (*net.parameters(), *net.buffers())}
    opened = copy.deepcopy(net, shared)
    for block in opened.blocks:
        block.attn.fused_attn = False
    return list(AttentionExtract(opened, ["blocks.*.attn.attn_drop"], method="hook")(pixels).values())


def on_grid(net: VisionTransformer, tokens: Tensor) -> Tensor:
    """Values of the picture's tokens (N, h * w, C) where they belong (N, C, h, w)."""
    height, width = net.patch_embed.grid_size
    return tokens.transpose(1, 2).reshape(len(tokens), -1, height, width)


def largest_one(maps: Tensor) -> Maps:
    """Each map divided by its largest value; one that is zero everywhere stays so."""
    peaks = maps.amax(dim=(1, 2), keepdim=True)
    return np.asarray((maps / peaks.clamp_min(torch.finfo(maps.dtype).tiny)).cpu().numpy(), np.float32)
