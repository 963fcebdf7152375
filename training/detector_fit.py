"""Fit the detector: face packs in, a run directory with checkpoints and history, and the averaged net out."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from training.detector_evaluate import detect_all, precisions
from training.faces import FacePack, FaceViews
from training.normalise import normalised
from training.run import Recipe, Run
from workers.models.anchors import CENTRE_VARIANCE, SIZE_VARIANCE, anchor_boxes
from workers.models.card import ModelCard
from workers.models.detector import Detector
from workers.models.ssd import LEVELS, SSD
from workers.models.torch_runtime import TorchRuntime

Sample = tuple[Tensor, Tensor, Tensor]  # pictures (N, 3, S, S) uint8, objectness (N, A), offsets (N, A, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRecipe(Recipe):
    """The settings of a fit; the defaults made the packaged weights."""

    epochs: int = 30
    batch_size: int = 32
    view: int = 256  # side of a training view; the net is fully convolutional
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    clip: float = 5.0


def focal_loss(logits: Tensor, objectness: Tensor) -> Tensor:
    """Sum of the focal loss, gamma 2, alpha 0.25 (Lin et al. 2017, https://arxiv.org/abs/1708.02002); -1 is ignored."""
    target = objectness.clamp(min=0)
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    miss = torch.where(target > 0, 1 - logits.sigmoid(), logits.sigmoid())
    alpha = torch.where(target > 0, 0.25, 0.75)
    return (alpha * miss.square() * entropy)[objectness >= 0].sum()


def giou_loss(offsets: Tensor, targets: Tensor, anchors: Tensor) -> Tensor:
    """Sum of 1 - GIoU (Rezatofighi et al. 2019, https://arxiv.org/abs/1902.09630); all (n, 4), offsets relative to anchors."""
    a, b = _decode(offsets, anchors), _decode(targets, anchors)
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    outer = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - inner
    return (1 - inner / union + (outer - union) / outer).sum()


def _decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    centre = anchors[:, :2] + offsets[:, :2] * CENTRE_VARIANCE * anchors[:, 2:]
    half = anchors[:, 2:] * (offsets[:, 2:] * SIZE_VARIANCE).clamp(-4, 4).exp() / 2
    return torch.cat([centre - half, centre + half], 1)


def detector_loss(logits: Tensor, offsets: Tensor, objectness: Tensor, targets: Tensor, anchors: Tensor) -> Tensor:
    """Focal loss over all anchors and twice the GIoU loss over the faces' own, per face's anchor."""
    positive = objectness > 0
    count = positive.sum().clamp(min=1)
    matched = anchors.expand(len(logits), -1, -1)[positive]
    return (4 * focal_loss(logits, objectness) + 2 * giou_loss(offsets[positive], targets[positive], matched)) / count


def detector_card(name: str = "ssd-320") -> ModelCard:
    """The card of a detector that has not been measured yet."""
    return ModelCard(name=name, task="detector", architecture="ssd", labels=("face",), input_size=320, levels=LEVELS)


def fit_detector(train: FacePack, val: FacePack, out: Path, recipe: DetectorRecipe, device: str, workers: int) -> nn.Module:
    """Train, or go on with what `out` holds, and return the averaged net. Raises RunError."""
    torch.manual_seed(recipe.seed)
    card = detector_card()
    net = SSD().to(device).to(memory_format=torch.channels_last)
    views = FaceViews(train, recipe.view, net.levels, recipe.seed)
    anchors = torch.from_numpy(anchor_boxes(recipe.view, recipe.view, net.levels).copy()).to(device)
    run = Run(net, out, recipe, len(views))
    for epoch in run.epochs():
        views.epoch = epoch
        order = RandomSampler(views, generator=torch.Generator().manual_seed(recipe.seed * 1000 + epoch))
        loader = DataLoader(views, recipe.batch_size, sampler=order, drop_last=True, num_workers=workers)
        figures = run.train(epoch, loader, partial(_loss, net, card, anchors, device))
        if epoch % 3 == 2 or epoch + 1 == recipe.epochs:
            figures |= _validate(run.averaged(), card, val, device)
        run.close(epoch, **figures)
    return run.averaged()


def _loss(net: SSD, card: ModelCard, anchors: Tensor, device: str, batch: Sample) -> Tensor:
    pictures, objectness, targets = batch
    pixels = normalised(pictures.to(device, memory_format=torch.channels_last).float() / 255, card)
    with torch.autocast(torch.device(device).type, torch.bfloat16):
        logits, offsets = net.forward_logits(pixels)
    return detector_loss(logits.float(), offsets.float(), objectness.to(device), targets.to(device), anchors)


def _validate(net: nn.Module, card: ModelCard, val: FacePack, device: str) -> dict[str, float]:
    found = detect_all(Detector(TorchRuntime(net, card, device), card), val)
    return precisions(found, val, sides=(0, 24))
