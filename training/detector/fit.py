"""Fit the detector: face packs in, a run directory with checkpoints and history, and the averaged net out."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from ferstream.training.detector.decoded_cache import DecodedPictures
from ferstream.training.detector.evaluate import detect_all, finder, precisions
from ferstream.training.detector.face_pack import FacePack
from ferstream.training.detector.face_views import FaceViews
from ferstream.training.detector.yunet_teacher import taught_labels
from ferstream.training.trainer import distributed
from ferstream.training.trainer.checkpoint import digest_of, digests
from ferstream.training.trainer.history import EpochRow
from ferstream.training.trainer.recipe import Recipe, RecipeTask, normalised
from ferstream.training.trainer.run import Stopping
from ferstream.training.trainer.step import Scores
from ferstream.workers.models.card import ModelCard
from ferstream.workers.models.detector import Detector
from ferstream.workers.models.nets.anchors import CENTRE_VARIANCE, SIZE_VARIANCE, Levels, anchor_boxes
from ferstream.workers.models.nets.ssd import LEVELS, SSD
from ferstream.workers.models.runtimes.torch_runtime import TorchRuntime
from ferstream.workers.settings import usable_cores

#: Pictures (N, S, S, 3) uint8, objectness (N, A), box offsets (N, A, 4), landmark offsets (N, A, 10).
ViewBatch = tuple[Tensor, Tensor, Tensor, Tensor]
#: At 0.5 a few heads seen from behind are taken for faces, at 0.6 none, for four faces in a hundred that are lost.
WORKING_SCORE = 0.6
Triple = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRecipe(Recipe):
    """The settings of a fit; an earlier version of this fit made the packaged weights with the defaults."""

    epochs: int = 110
    batch_size: int = 32
    view: int = 256  # side of a training view; the net is fully convolutional
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    clip: float = 5.0
    warm_up_epochs: int = 2
    ema_decay: float = 0.999


def focal_loss(logits: Tensor, objectness: Tensor) -> Tensor:
    """Sum of the focal loss, gamma 2, alpha 0.25 (Lin et al. 2017, https://arxiv.org/abs/1708.02002); -1 is ignored."""
    asked = objectness >= 0
    loss: Tensor = sigmoid_focal_loss(logits[asked], objectness[asked], alpha=0.25, gamma=2, reduction="sum")
    return loss


def giou_loss(offsets: Tensor, targets: Tensor, anchors: Tensor) -> Tensor:
    """Sum of 1 - GIoU (Rezatofighi et al. 2019, https://arxiv.org/abs/1902.09630); all (n, 4), offsets relative to anchors."""
    loss: Tensor = generalized_box_iou_loss(_decode(offsets, anchors), _decode(targets, anchors), reduction="sum")
    return loss


def _decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    centre = anchors[:, :2] + offsets[:, :2] * CENTRE_VARIANCE * anchors[:, 2:]
    half = anchors[:, 2:] * (offsets[:, 2:] * SIZE_VARIANCE).clamp(-4, 4).exp() / 2
    return torch.cat([centre - half, centre + half], 1)


def landmark_loss(offsets: Tensor, targets: Tensor) -> Tensor:
    """Sum over faces of the mean smooth L1 loss of their landmarks (n, 10); those that are not a number do not count."""
    known = ~targets.isnan()
    return nn.functional.smooth_l1_loss(offsets[known], targets[known], reduction="sum") / targets.shape[1]


def detector_loss(outputs: tuple[Tensor, ...], targets: Triple, anchors: Tensor) -> Tensor:
    """Focal loss over all anchors; over those of faces also twice the GIoU loss and a fifth of the landmarks', per such anchor.

    `outputs` are logits (N, A), box offsets (N, A, 4) and, if the net has them, landmark offsets (N, A, 10); `targets` the same,
    with objectness first.
    """
    logits, boxes, *landmarks = outputs
    objectness, boxes_at, landmarks_at = targets
    positive = objectness > 0
    # Of the whole batch, whatever faces this process's share of it has.
    count = distributed.mean(positive.sum().float()).clamp(min=1 / distributed.size())
    matched = anchors.expand(len(logits), -1, -1)[positive]
    loss = 4 * focal_loss(logits, objectness) + 2 * giou_loss(boxes[positive], boxes_at[positive], matched)
    if landmarks:
        loss = loss + 0.2 * landmark_loss(landmarks[0][positive], landmarks_at[positive])
    return loss / count


def detector_card(name: str = "ssd-320", *, landmarks: bool = True) -> ModelCard:
    """The card of a detector that has not been measured yet."""
    options = {} if landmarks else {"landmarks": False}
    return ModelCard(
        name=name,
        task="detector",
        architecture="ssd",
        options=options,
        labels=("face",),
        input_size=320,
        score_threshold=WORKING_SCORE,
        levels=LEVELS,
    )


def fit_detector(
    device: str,
    packs: tuple[Path, ...],
    teacher: Path | None,
    out: Path,
    recipe: DetectorRecipe,
    stopping: Stopping | None = None,
) -> None:
    """Train, or go on with what `out` holds; the averaged net is in its checkpoint.

    `stopping` is asked after every step; without it, SIGTERM and Ctrl-C stop the run. Raises RunError, PackError, ModelError;
    Stopped where `stopping` said so.
    """
    torch.manual_seed(recipe.seed)
    card = detector_card(landmarks=teacher is not None)
    train, val = FacePack.open(packs, "train"), FacePack.open(packs, "val")
    net = SSD(**card.options).to(device).to(memory_format=torch.channels_last)
    inputs = digests(*packs, *([teacher] if teacher else []))
    task = _DetectorTask(net, out, recipe, len(train), inputs, device, stopping)
    if task.run.over():
        return
    prepared = out / digest_of(inputs)
    task.use_pictures(card, _views(train, teacher, prepared, recipe, net.levels), val)
    task.run.fit(task)
    if distributed.rank() == 0:
        shutil.rmtree(prepared)  # decoded pictures take twenty times the room of their pack


def _views(train: FacePack, teacher: Path | None, prepared: Path, recipe: DetectorRecipe, levels: Levels) -> FaceViews:
    """The training views; the first process prepares the files in `prepared` that all of them read."""
    prepared.mkdir(parents=True, exist_ok=True)
    for turn in (0, 1):
        if (distributed.rank() > 0) == turn:
            labels = taught_labels(train, teacher, prepared / "teacher.npz")
            pictures = DecodedPictures(prepared / "pictures.u8", len(train), train.picture)
        distributed.barrier()
    return FaceViews(pictures, labels, recipe.view, levels, recipe.seed)


class _DetectorTask(RecipeTask[ViewBatch]):
    """Views of the face packs, drawn anew every epoch, and the packaged form's precision on val."""

    def use_pictures(self, card: ModelCard, views: FaceViews, val: FacePack) -> None:
        """The pictures to train on and to measure on. Call before `run.fit`; a finished run needs none."""
        self._card, self._views, self._val = card, views, val
        self._anchors = torch.from_numpy(anchor_boxes(views.size, views.size, views.levels).copy()).to(self._device)

    def parts(self, epoch: int, step: int) -> Iterator[ViewBatch]:
        self._views.epoch = epoch
        order = torch.randperm(len(self._views), generator=torch.Generator().manual_seed(self._recipe.seed * 1000 + epoch))
        # On a CPU the cores that would prepare pictures are the ones that train.
        helpers = 0 if self._device == "cpu" else max(1, usable_cores() // distributed.size() - 1)
        batches = [share.tolist() for share in self.shares(order, step)]
        return iter(DataLoader(self._views, batch_sampler=batches, num_workers=helpers))

    def loss(self, part: ViewBatch) -> tuple[Tensor, Scores]:
        pictures, objectness, boxes_at, landmarks_at = (value.to(self._device) for value in part)
        pixels = normalised(pictures.permute(0, 3, 1, 2), self._card, white=255)  # channels last, as the net computes
        with torch.autocast(pixels.device.type, torch.bfloat16):
            outputs = self._net(pixels)
        targets = (objectness, boxes_at, landmarks_at)
        loss = detector_loss(tuple(value.float() for value in outputs), targets, self._anchors)
        return loss, Scores.of_loss(loss)

    def validate(self, net: nn.Module) -> EpochRow:
        runtime = TorchRuntime(net, self._card, self._device)
        return precisions(detect_all(finder(Detector(runtime, self._card)), self._val), self._val, sides=(0, 24))
