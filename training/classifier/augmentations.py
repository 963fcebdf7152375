"""Augmentations of training faces as cameras disturb them: drawn for every face, computed on the whole batch."""

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate


def turn_and_crop(faces: Tensor, random: torch.Generator) -> Tensor:
    """Flip, rotation to 20 degrees, zoom 0.85 to 1.2 and shift to 8 % of (N, C, H, W)."""
    n = len(faces)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, generator=random) * (high - low) + low

    angle, zoom = torch.deg2rad(uniform(-20, 20)), uniform(0.85, 1.2)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    matrix = torch.stack(
        [torch.stack([cos * flip, -sin, uniform(-0.16, 0.16)], 1), torch.stack([sin * flip, cos, uniform(-0.16, 0.16)], 1)], 1
    )
    grid = affine_grid(matrix, list(faces.shape), align_corners=False)
    return grid_sample(faces, grid, padding_mode="border", align_corners=False)


def light(faces: Tensor, random: torch.Generator) -> Tensor:
    """Contrast and brightness of (N, C, H, W) in 0..1, each face its own; one in seven stands in the dark."""
    shape = (len(faces), 1, 1, 1)
    contrast = 1 + 0.25 * (2 * torch.rand(shape, generator=random) - 1)
    brightness = 0.15 * (2 * torch.rand(shape, generator=random) - 1)
    dark = torch.rand(shape, generator=random) < 1 / 7
    faces = torch.where(dark, faces * (0.25 + 0.5 * torch.rand(shape, generator=random)), faces)
    mean = faces.mean(dim=(1, 2, 3), keepdim=True)
    return ((faces - mean) * contrast + mean + brightness).clamp(0, 1)


def tint(faces: Tensor, random: torch.Generator, share: float = 0.5) -> Tensor:
    """The light of lamps over a `share` of the faces (N, 3, H, W): up to 12 % more or less of each colour."""
    gain = 1 + 0.12 * (2 * torch.rand((len(faces), faces.shape[1], 1, 1), generator=random) - 1)
    chosen = torch.rand((len(faces), 1, 1, 1), generator=random) < share
    return torch.where(chosen, (faces * gain).clamp(0, 1), faces)


def coarsen(faces: Tensor, random: torch.Generator, share: float = 0.2) -> Tensor:
    """A `share` of the faces as a far camera sees them: half to a quarter of the side, scaled up again, with noise."""
    chosen = torch.rand(len(faces), generator=random) < share
    factor = int(torch.tensor([2, 2, 2, 3, 4])[torch.randint(5, (1,), generator=random)])
    if not chosen.any():
        return faces
    small = avg_pool2d(faces[chosen], factor)
    blurred = interpolate(small, faces.shape[-2:], mode="bilinear", align_corners=False)
    noise = torch.randn(blurred.shape, generator=random) * 0.02
    coarse = faces.clone()
    coarse[chosen] = (blurred + noise).clamp(0, 1)
    return coarse


def compress(faces: Tensor, random: torch.Generator, share: float = 0.2) -> Tensor:
    """JPEG of quality 15 to 70 over a `share` of the faces (N, 1, H, W) or (N, 3, H, W), as cameras send them."""
    chosen = torch.rand(len(faces), generator=random) < share
    qualities = torch.randint(15, 71, (len(faces),), generator=random)
    compressed = faces.clone()
    for place in chosen.nonzero()[:, 0].tolist():
        pixels = (faces[place] * 255).round().byte().permute(1, 2, 0).numpy()  # (H, W, C)
        code = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(qualities[place])])[1]
        decoded = torch.from_numpy(np.asarray(cv2.imdecode(code, cv2.IMREAD_UNCHANGED)))
        compressed[place] = decoded.reshape(pixels.shape).permute(2, 0, 1).float() / 255
    return compressed


def erase(faces: Tensor, random: torch.Generator, share: float = 0.15) -> Tensor:
    """A grey rectangle of up to 40 % of each side over a `share` of the faces (Zhong et al. 2017, https://arxiv.org/abs/1708.04896)."""
    n, _, height, width = faces.shape
    top, left, tall, wide = torch.rand((4, n, 1), generator=random)
    rows, columns = torch.arange(height)[None] / height, torch.arange(width)[None] / width
    in_rows = (rows >= top) & (rows < top + 0.1 + 0.3 * tall)
    in_columns = (columns >= left) & (columns < left + 0.1 + 0.3 * wide)
    chosen = torch.rand((n, 1, 1), generator=random) < share
    mask = (in_rows[:, :, None] & in_columns[:, None, :] & chosen)[:, None]
    return torch.where(mask, torch.full_like(faces, 0.5), faces)


def mix(faces: Tensor, targets: Tensor, random: torch.Generator, alpha: float) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) of faces and distributions (N, 8); alpha 0 leaves them."""
    if alpha <= 0:
        return faces, targets
    # Two gamma draws make a beta draw; torch's own Beta takes no generator.
    gamma = torch._standard_gamma(torch.full((2,), alpha), generator=random)
    weight = float(gamma[0] / gamma.sum().clamp(min=1e-9))
    order = torch.randperm(len(faces), generator=random)
    return weight * faces + (1 - weight) * faces[order], weight * targets + (1 - weight) * targets[order]
