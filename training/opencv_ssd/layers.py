"""The layers of OpenCV's face detector, as both published forms give them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ferstream.workers.models.card import ModelError
from ferstream.workers.models.nets.anchors import CENTRE_VARIANCE, SIZE_VARIANCE

Float = NDArray[np.float32]

SIDE = 300
#: Subtracted from each pixel of blue, green and red, as OpenCV's samples do.
MEAN = (104, 177, 123)


@dataclass(frozen=True, slots=True)
class PriorBox:
    """The boxes of one feature map: sizes in pixels of the input, ratios of width to height, `step` pixels from cell to cell."""

    min_size: float
    max_size: float
    ratios: tuple[float, ...]
    step: float

    def shapes(self) -> tuple[tuple[float, float], ...]:
        """Width and height of each, in the order of the net's outputs: two squares, then each ratio (Liu et al. 2016, 2.2)."""
        middle = (self.min_size * self.max_size) ** 0.5
        wide = [(self.min_size * ratio**0.5, self.min_size / ratio**0.5) for ratio in self.ratios]
        return tuple((round(w, 4), round(h, 4)) for w, h in [(self.min_size, self.min_size), (middle, middle), *wide])


class OpenCvSsdFile(Protocol):
    """A published file, asked for its layers by their published names.

    Every method raises ModelError, which names the file, where it lacks the layer or a number of it.
    """

    path: Path

    def convolution(self, name: str) -> tuple[Float, Float]:
        """Weight (outputs, inputs, rows, columns) and bias (outputs,), zero where the layer has none."""
        ...

    def padding(self, name: str) -> int:
        """Zeros on each side of a convolution's input."""
        ...

    def affine(self, norm: str, scale: str) -> tuple[Float, Float]:
        """A batch normalisation and the scale layer after it as one scale (channels,) and shift (channels,)."""
        ...

    def channel_scale(self, name: str) -> Float:
        """The scale (channels,) of a normalisation over channels."""
        ...

    def prior_box(self, place: int, feature_map: str, /) -> PriorBox:
        """The boxes of the feature map that is `place`-th and has this name."""
        ...

    def iou_threshold(self) -> float:
        """The IoU above which non-maximum suppression drops the lower box."""
        ...


def with_flips(ratios: list[float], *, flip: bool) -> tuple[float, ...]:
    """Each ratio, followed by its inverse where the layer flips them."""
    return tuple(each for ratio in ratios for each in ((ratio, 1 / ratio) if flip else (ratio,)))


def check_prior_box(path: Path, *, clip: bool, offset: float, variances: list[float], sides: list[float]) -> None:
    """Raises ModelError where boxes are laid out in another way than `anchor_boxes` lays them, or lack one of their `sides`.

    `sides` are sizes, step and ratios.
    """
    expected = [CENTRE_VARIANCE, CENTRE_VARIANCE, SIZE_VARIANCE, SIZE_VARIANCE]
    if clip or abs(offset - 0.5) > 1e-6 or len(variances) != 4 or not np.allclose(variances, expected, atol=1e-6):
        raise ModelError(
            f"{path}: its prior boxes are clipped ({clip}), lie at {offset:g} of a cell or have the variances {variances}; "
            f"only unclipped ones at 0.5 with {expected} can be served: use the description that came with the weights"
        )
    if not all(side > 0 for side in sides):
        raise ModelError(f"{path}: a prior box lacks its sizes or its step: use the description that came with the weights")


def other_net(path: Path, lacks: str) -> ModelError:
    """The error of a file that is well formed and does not hold the face detector."""
    return ModelError(f"{path} lacks {lacks}: it is not OpenCV's ResNet-10 SSD face detector, or it is cut off")
