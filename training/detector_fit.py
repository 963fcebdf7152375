"""Fit the detector: packs in, a run directory with checkpoints, history and the packaged model out."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler
from tqdm import tqdm

from training.average_precision import average_precision
from training.checkpoint import load_checkpoint, save_checkpoint
from training.faces import FacePack, FaceViews
from training.history import record
from training.schedule import warm_cosine
from workers.models.anchors import CENTRE_VARIANCE, SIZE_VARIANCE, anchor_boxes
from workers.models.card import ModelCard
from workers.models.detector import Detector
from workers.models.ssd import LEVELS, SSD
from workers.models.torch_runtime import TorchRuntime


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRecipe:
    """The settings of a fit; the defaults made the packaged weights."""

    epochs: int = 30
    batch_size: int = 32
    view: int = 256  # side of a training view; the net is fully convolutional
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    ema_decay: float = 0.998
    seed: int = 0


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


def validate(net: nn.Module, card: ModelCard, faces: FacePack, device: str) -> dict[str, float]:
    """AP50 of the net on `faces`: over all boxes, and over those with a side of 24 px and more."""
    detector = Detector(TorchRuntime(net, card, device), card)
    detections = []
    for i in range(len(faces)):
        found = detector([faces.picture(i)], score_threshold=0.02)[0]
        detections.append((found.scores, found.xyxy))
    truths = [faces.boxes(i) for i in range(len(faces))]
    return {"ap50": average_precision(detections, truths), "ap50_side24": average_precision(detections, truths, 24)}


def fit_detector(train: FacePack, val: FacePack, out: Path, recipe: DetectorRecipe, device: str, workers: int) -> nn.Module:
    """Train, or go on with what `out` holds, and return the averaged net."""
    torch.manual_seed(recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    net = SSD().to(device, memory_format=torch.channels_last)
    ema = ModelEmaV3(net, decay=recipe.ema_decay, use_warmup=True)
    views = FaceViews(train, recipe.view, net.levels, recipe.seed)
    steps = len(views) // recipe.batch_size
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = warm_cosine(optimiser, warm_up=steps, total=steps * recipe.epochs)
    anchors = torch.from_numpy(anchor_boxes(recipe.view, recipe.view, net.levels).copy()).to(device)
    first = 0
    if state := load_checkpoint(out / "checkpoint.pt"):
        net.load_state_dict(state["net"])
        ema.load_state_dict(state["ema"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"] + 1
    for epoch in range(first, recipe.epochs):
        started, total = time.perf_counter(), 0.0
        views.epoch = epoch
        order = RandomSampler(views, generator=torch.Generator().manual_seed(recipe.seed * 1000 + epoch))
        loader = DataLoader(views, recipe.batch_size, sampler=order, drop_last=True, num_workers=workers)
        net.train()
        for pictures, objectness, targets in tqdm(loader, desc=f"epoch {epoch + 1}/{recipe.epochs}", unit="batch", disable=None):
            pixels = pictures.to(device, memory_format=torch.channels_last).float() / 127.5 - 1
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                logits, offsets = net.forward_logits(pixels)
            loss = detector_loss(logits.float(), offsets.float(), objectness.to(device), targets.to(device), anchors)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            ema.update(net, step=int(schedule.last_epoch))
            total += float(loss.detach())
        figures = validate(ema.module, detector_card(), val, device) if epoch % 3 == 2 or epoch + 1 == recipe.epochs else {}
        record(out / "history.jsonl", epoch, loss=total / steps, seconds=time.perf_counter() - started, **figures)
        save_checkpoint(
            out / "checkpoint.pt",
            net=net.state_dict(),
            ema=ema.state_dict(),
            optimiser=optimiser.state_dict(),
            schedule=schedule.state_dict(),
            epoch=epoch,
        )
    return ema.module
