"""The emotion classifier: timm's vision transformer behind a convolutional patch embedding.

Early convolutions make small-data transformers trainable: Xiao et al. 2021, https://arxiv.org/abs/2106.14881.
"""

from functools import partial
from itertools import pairwise
from typing import Any

import timm
from timm.layers import ConvNormAct, HybridEmbed
from timm.models.resnet import BasicBlock
from timm.models.vision_transformer import VisionTransformer
from torch import nn

#: Architecture name in a card for the net of this file; any other name is one of timm's own.
HYBRID = "hybrid_vit"


def convolutional_stem(channels: tuple[int, ...]) -> nn.Sequential:
    """A stride-2 convolution and a residual block (He et al. 2016, https://arxiv.org/abs/1512.03385) for each of `channels`."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((3, *channels)):
        layers += [ConvNormAct(inputs, outputs, kernel_size=3, stride=2), BasicBlock(outputs, outputs)]
    return nn.Sequential(*layers)


def hybrid_vit(
    *,
    num_classes: int,
    img_size: int = 48,
    stem: tuple[int, ...] = (48, 96, 192),
    embed_dim: int = 192,
    depth: int = 4,
    num_heads: int = 3,
    mlp_ratio: float = 2.0,
    drop_path_rate: float = 0.0,
) -> VisionTransformer:
    """A hybrid transformer: the convolutions of `stem` make the tokens, `depth` encoder blocks read them.

    Input (N, 3, img_size, img_size), normalised; output logits (N, num_classes). The mean of the tokens is classified.
    """
    return VisionTransformer(
        img_size=img_size,
        patch_size=1,
        num_classes=num_classes,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=num_heads,
        mlp_ratio=mlp_ratio,
        class_token=False,
        global_pool="avg",
        drop_path_rate=drop_path_rate,
        embed_layer=partial(HybridEmbed, backbone=convolutional_stem(tuple(stem))),
    )


def build_classifier(architecture: str, num_classes: int, **options: Any) -> nn.Module:  # noqa: ANN401 - a card's own options
    """The net that a card names: `hybrid_vit` is ours, any other name is looked up in timm (random weights)."""
    if architecture == HYBRID:
        net: nn.Module = hybrid_vit(num_classes=num_classes, **options)
    else:
        net = timm.create_model(architecture, pretrained=False, num_classes=num_classes, **options)
    return net
