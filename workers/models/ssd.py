"""The face detector: a small single-shot detector (SSD) with a top-down pathway, in torch.

SSD: Liu et al. 2016, https://arxiv.org/abs/1512.02325. Depthwise separable convolutions: Howard et al. 2017,
https://arxiv.org/abs/1704.04861. Top-down pathway: Lin et al. 2017, https://arxiv.org/abs/1612.03144.
"""

import math

import torch
from torch import Tensor, nn

from workers.models.anchors import Levels

LEVELS: Levels = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def separable(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(conv(inputs, inputs, 3, stride, groups=inputs), conv(inputs, outputs, 1))


class SSD(nn.Module):
    """Faces of a batch of pictures on four feature maps of strides 8, 16, 32 and 64.

    `forward` takes (N, 3, H, W), normalised, H and W multiples of 64, and returns scores (N, A) in 0..1 and box offsets
    (N, A, 4) relative to `anchor_boxes(H, W, levels)`.
    """

    def __init__(
        self, channels: tuple[int, ...] = (16, 32, 64, 96, 128, 128), pathway: int = 64, levels: Levels = LEVELS
    ) -> None:
        super().__init__()
        c2, c4, c8, c16, c32, c64 = channels
        self.levels = levels
        self.stem = nn.Sequential(conv(3, c2, 3, 2), separable(c2, c4, 2), separable(c4, c4))
        self.stages = nn.ModuleList(
            [
                nn.Sequential(separable(c4, c8, 2), separable(c8, c8), separable(c8, c8)),
                nn.Sequential(separable(c8, c16, 2), separable(c16, c16), separable(c16, c16)),
                nn.Sequential(separable(c16, c32, 2), separable(c32, c32)),
                nn.Sequential(separable(c32, c64, 2), separable(c64, c64)),
            ]
        )
        self.laterals = nn.ModuleList(conv(c, pathway, 1) for c in (c8, c16, c32, c64))
        self.smooths = nn.ModuleList(separable(pathway, pathway) for _ in levels)
        self.towers = nn.ModuleList(separable(pathway, pathway) for _ in levels)
        heads = [nn.Conv2d(pathway, len(sides) * 5, 1) for _, sides in levels]
        self.heads = nn.ModuleList(heads)
        for head in heads:
            nn.init.normal_(head.weight, std=0.01)
            # Focal loss starts from a prior of 1 % faces (Lin et al. 2017, https://arxiv.org/abs/1708.02002).
            bias = torch.zeros(len(head.weight))
            bias[::5] = -math.log(99)
            head.bias = nn.Parameter(bias)

    def forward_logits(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, A) and offsets (N, A, 4): what the losses need."""
        maps = []
        x = self.stem(pictures)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        merged = self.laterals[-1](maps[-1])
        pyramid = [self.smooths[-1](merged)]
        for level in range(len(maps) - 2, -1, -1):
            merged = self.laterals[level](maps[level]) + nn.functional.interpolate(merged, scale_factor=2.0, mode="nearest")
            pyramid.insert(0, self.smooths[level](merged))
        outputs = [
            head(tower(x)).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 5))  # (N, rows*columns*sides, 5)
            for x, tower, head in zip(pyramid, self.towers, self.heads, strict=True)
        ]
        both = torch.cat(outputs, dim=1)
        return both[..., 0], both[..., 1:]

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        logits, offsets = self.forward_logits(pictures)
        return logits.sigmoid(), offsets
