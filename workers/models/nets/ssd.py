"""The face detector: a small single-shot detector (SSD) with a top-down pathway, in torch.

SSD: Liu et al. 2016, https://arxiv.org/abs/1512.02325. Depthwise separable convolutions: Howard et al. 2017,
https://arxiv.org/abs/1704.04861. Residuals: He et al. 2016, https://arxiv.org/abs/1512.03385. Top-down pathway: Lin et al.
2017, https://arxiv.org/abs/1612.03144. Landmarks beside the box: Deng et al. 2019, https://arxiv.org/abs/1905.00641.
"""

import math

import torch
from torch import Tensor, nn

from ferstream.workers.models.nets.anchors import LANDMARKS, Levels

LEVELS: Levels = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))
#: An anchor's outputs: one logit, four box offsets, and x and y of each landmark.
PLAIN_OUTPUTS, OUTPUTS = 5, 5 + 2 * LANDMARKS


class StridedDepthwise(nn.Conv2d):
    """A depthwise convolution of stride 2, in float32 whatever autocast says.

    On CPUs its backward pass in bfloat16 takes ten times as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or not self.training:
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, active: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if active else nn.Sequential(*layers)


def depthwise(channels: int, stride: int = 1) -> nn.Sequential:
    kind = nn.Conv2d if stride == 1 else StridedDepthwise
    convolution = kind(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def separable(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(depthwise(inputs, stride), conv(inputs, outputs))


class Residual(nn.Module):
    """A separable convolution added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(depthwise(channels), conv(channels, channels, active=False))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(x + self.branch(x))


class SSD(nn.Module):
    """Faces of a batch of pictures on four feature maps of strides 8, 16, 32 and 64.

    `forward` takes (N, 3, H, W), normalised, H and W multiples of 64, and returns logits (N, A), box offsets (N, A, 4) and, with
    `landmarks`, their offsets (N, A, 10), relative to `anchor_boxes(H, W, levels)`.
    """

    def __init__(
        self,
        channels: tuple[int, ...] = (16, 32, 64, 128, 160, 160),
        depths: tuple[int, ...] = (3, 4, 3, 2),
        pathway: int = 64,
        landmarks: bool = True,
        levels: Levels = LEVELS,
    ) -> None:
        super().__init__()
        c2, c4, *widths = channels
        self.levels = levels
        self.outputs = OUTPUTS if landmarks else PLAIN_OUTPUTS
        self.stem = nn.Sequential(conv(3, c2, 3, 2), separable(c2, c4, 2), Residual(c4))
        self.stages = nn.ModuleList(
            nn.Sequential(separable(inputs, width, 2), *(Residual(width) for _ in range(depth - 1)))
            for inputs, width, depth in zip((c4, *widths), widths, depths, strict=False)
        )
        self.laterals = nn.ModuleList(conv(width, pathway) for width in widths)
        self.smooths = nn.ModuleList(separable(pathway, pathway) for _ in levels)
        self.towers = nn.ModuleList(separable(pathway, pathway) for _ in levels)
        heads = [nn.Conv2d(pathway, len(sides) * self.outputs, 1) for _, sides in levels]
        self.heads = nn.ModuleList(heads)
        for head in heads:
            nn.init.normal_(head.weight, std=0.01)
            # Focal loss starts from a prior of 1 % faces (Lin et al. 2017, https://arxiv.org/abs/1708.02002).
            bias = torch.zeros(len(head.weight))
            bias[:: self.outputs] = -math.log(99)
            head.bias = nn.Parameter(bias)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
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
            head(tower(x)).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, self.outputs))  # (N, rows*columns*sides, outputs)
            for x, tower, head in zip(pyramid, self.towers, self.heads, strict=True)
        ]
        every = torch.cat(outputs, dim=1)
        found = every[..., 0], every[..., 1:5], every[..., 5:]
        return found if self.outputs > PLAIN_OUTPUTS else found[:2]
