"""Pixels as a net reads them: by the mean and std of its card, as every runtime does."""

from torch import Tensor

from ferstream.workers.models.card import ModelCard


def normalised(pixels: Tensor, card: ModelCard, white: float) -> Tensor:
    """Pixels (N, 3, H, W) of 0..`white`, less the mean, over the std, per channel, in float32."""
    pixels = pixels.float()
    mean, std = (pixels.new_tensor(values).mul(white).view(1, 3, 1, 1) for values in (card.mean, card.std))
    return (pixels - mean).div_(std)
