"""The face detector that OpenCV publishes: an SSD on a slim ResNet-10, for pictures of 300x300, in torch.

Its structure is that of samples/dnn/face_detector/deploy.prototxt in OpenCV's repository. SSD: Liu et al. 2016,
https://arxiv.org/abs/1512.02325. Pre-activated residual blocks: He et al. 2016, https://arxiv.org/abs/1603.05027. Channels of
unit length on the finest map: Liu et al. 2015, https://arxiv.org/abs/1506.04579.
"""

import torch
from torch import Tensor, nn

from ferstream.workers.models.nets.anchors import Priors

#: A prior's outputs: one logit and four box offsets.
OUTPUTS = 5
#: Feature maps that boxes are found on, by their channels.
CHANNELS = (128, 256, 256, 128, 128, 128)


class Affine(nn.Module):
    """A batch normalisation whose statistics stand still: a scale and a shift of every channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


class UnitLength(nn.Module):
    """Each place's channels divided by their length, times a learned scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 20.0))

    def forward(self, x: Tensor) -> Tensor:
        exact = x.float()  # a sum of squares leaves the range of half precision
        return (exact * (exact.square().sum(1, keepdim=True) + 1e-10).rsqrt()).to(x.dtype) * self.scale


def residual(inputs: int, middle: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Two convolutions of 3x3, with a bias where a normalisation was folded into the first."""
    return nn.Sequential(
        nn.Conv2d(inputs, middle, 3, stride, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, outputs, 3, 1, dilation, dilation, bias=False),
    )


def extra(inputs: int, middle: int, outputs: int, stride: int, padding: int) -> nn.Sequential:
    """A further map, mostly of half the size."""
    return nn.Sequential(
        nn.Conv2d(inputs, middle, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, outputs, 3, stride, padding),
        nn.ReLU(inplace=True),
    )


class Block(nn.Module):
    """A residual block and its projection, both on the activated input."""

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.before = Affine(inputs)
        self.branch = residual(inputs, middle, outputs, stride, dilation)
        self.expand = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The block's output, and its activated input."""
        active = self.before(x).relu()
        return self.branch(active) + self.expand(active), active


class OpenCvSsd(nn.Module):
    """Faces of a batch of pictures on six feature maps.

    `forward` takes (N, 3, 300, 300), BGR less the mean, and returns logits (N, A) and box offsets (N, A, 4), relative to
    `anchor_boxes(300, 300, levels)`. A logit is the face's less the background's, whose sigmoid is their softmax. `levels` say
    how many shapes of box each map has, and by their rows whether the last two maps shrink.
    """

    def __init__(self, levels: Priors) -> None:
        super().__init__()
        rows = [cells for _, _, cells in levels]
        padding = [int(rows[place] == rows[place - 1]) for place in (4, 5)]
        self.data = Affine(3)
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 7, 2, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.first = residual(32, 32, 32)
        self.blocks = nn.ModuleList([Block(32, 128, 128, 2), Block(128, 256, 256, 2), Block(256, 128, 256, dilation=2)])
        self.last = Affine(256)
        self.unit_length = UnitLength(CHANNELS[0])
        self.extras = nn.ModuleList(
            [
                extra(256, 128, 256, 2, 1),
                extra(256, 64, 128, 2, 1),
                extra(128, 64, 128, 1, padding[0]),
                extra(128, 64, 128, 1, padding[1]),
            ]
        )
        self.heads = nn.ModuleList(
            nn.Conv2d(channels, len(shapes) * OUTPUTS, 3, 1, 1) for channels, (_, shapes, _) in zip(CHANNELS, levels, strict=True)
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(self.data(pictures))
        x = x + self.first(x)
        actives = []
        for block in self.blocks:
            x, active = block(x)
            actives.append(active)
        x = self.last(x).relu()
        maps = [self.unit_length(actives[1]), x]
        for layers in self.extras:
            x = layers(x)
            maps.append(x)
        outputs = [
            head(x).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, OUTPUTS))  # (N, rows*columns*shapes, OUTPUTS)
            for x, head in zip(maps, self.heads, strict=True)
        ]
        every = torch.cat(outputs, dim=1)
        return every[..., 0], every[..., 1:]
