"""Fit the classifier: a FER+ pack in, a run directory with checkpoints and history, and the averaged net out."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.classifier.augmentations import coarsen, compress, erase, light, mix, tint, turn_and_crop
from ferstream.training.classifier.evaluate import logits_of
from ferstream.training.classifier.ferplus_pack import PROTOCOLS, FerPlus
from ferstream.training.detector.face_pack import FacePack, cut_faces
from ferstream.training.measures.metrics import accuracy
from ferstream.training.trainer import distributed
from ferstream.training.trainer.checkpoint import digests
from ferstream.training.trainer.history import EpochRow
from ferstream.training.trainer.recipe import Recipe, RecipeTask, normalised
from ferstream.training.trainer.run import Stopping
from ferstream.training.trainer.step import Scores
from ferstream.workers.models.card import SAFETENSORS, ModelCard, ModelError
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.runtimes.torch_runtime import TorchRuntime, build_net, load_net

StepShare = tuple[int, Tensor]  # step of the run, and the samples of it that are this process's

RARE = ("contempt", "disgust", "fear")
#: Where mixup ends, as a share of the epochs: the last ones see faces as they are.
MIXUP_ENDS = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecipe(Recipe):
    """The settings of a fit."""

    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    clip: float = 1.0
    mixup: float = 0.1
    drop_path: float = 0.05
    rare_repeats: int = 3  # how often a face of RARE is seen an epoch
    colour_share: float = 0.1  # faces in colour beside each batch, as a share of it


def classifier_card(name: str = "hybrid-vit-48") -> ModelCard:
    """The card of a classifier that has not been measured yet: 2.4 M parameters, 36 tokens."""
    return ModelCard(
        name=name,
        task="classifier",
        architecture="hybrid_vit",
        options={"img_size": 48, "embed_dim": 192, "stem": [48, 96, 192], "depth": 4, "num_heads": 3, "mlp_ratio": 2.0},
        labels=EMOTIONS,
        input_size=48,
    )


def fit_classifier(
    device: str,
    pack: Path,
    face_packs: tuple[Path, ...],
    start: Path | None,
    out: Path,
    recipe: ClassifierRecipe,
    stopping: Stopping | None = None,
) -> None:
    """Train, or go on with what `out` holds; the averaged net is in its checkpoint.

    `face_packs` give faces in colour, if there are any; `start` is a model folder whose weights the fit begins with. `stopping`
    is asked after every step; without it, SIGTERM and Ctrl-C stop the run. Raises RunError, PackError, ModelError; Stopped
    where `stopping` said so.
    """
    torch.manual_seed(recipe.seed)
    card = classifier_card()
    train, val = FerPlus.open(pack, "train"), FerPlus.open(pack, "val")
    net = _first_net(card, recipe, start).to(device).to(memory_format=torch.channels_last)  # twice as fast on CPUs
    batches = Batches(train, _in_colour(face_packs, card, recipe), recipe, card, device)
    inputs = digests(pack, *face_packs, *([start / SAFETENSORS] if start else []))
    task = _ClassifierTask(net, out, recipe, len(batches), inputs, device, stopping)
    task.use_pictures(card, batches, val)
    task.run.fit(task)


class _ClassifierTask(RecipeTask[StepShare]):
    """Batches of FER+, and the packaged form's accuracy on val."""

    advice = ", try a lower --learning-rate"

    def use_pictures(self, card: ModelCard, batches: "Batches", val: FerPlus) -> None:
        """The pictures to train on and to measure on. Call before `run.fit`."""
        self._card, self._batches, self._val = card, batches, val

    def parts(self, epoch: int, step: int) -> Iterator[StepShare]:
        return enumerate(self.shares(self._batches.begin(epoch), step), epoch * self.steps + step)

    def loss(self, part: StepShare) -> tuple[Tensor, Scores]:
        loss = self._batches.loss(self._net, self.teacher, *part)
        return loss, Scores.of_loss(loss)

    def validate(self, net: nn.Module) -> EpochRow:
        logits = logits_of(Classifier(TorchRuntime(net, self._card, self._device), self._card), self._val.faces)
        figures: EpochRow = {}
        for protocol in PROTOCOLS:
            places, labels = self._val.labelled(protocol)
            figures[protocol] = accuracy(logits[places], labels)
        return figures


def _first_net(card: ModelCard, recipe: ClassifierRecipe, start: Path | None) -> nn.Module:
    dropping = replace(card, options=card.options | {"drop_path_rate": recipe.drop_path})
    net = build_net(dropping)
    if start is not None:
        begun = ModelCard.read(start)
        if (begun.task, begun.architecture, begun.options) != (card.task, card.architecture, card.options):
            raise ModelError(f"{start} holds {begun.name}, another net than {card.name}: a fit cannot begin with its weights")
        net.load_state_dict(load_net(begun, start).state_dict())
    return net


def _in_colour(packs: tuple[Path, ...], card: ModelCard, recipe: ClassifierRecipe) -> NDArray[np.uint8]:
    if not packs or not recipe.colour_share:
        return np.zeros((0, card.input_size, card.input_size, 3), np.uint8)
    return cut_faces(FacePack.open(packs, "train"), card.input_size, card.margin)


def disturb(faces: Tensor, random: torch.Generator) -> Tensor:
    """What cameras and people do to faces (N, 1, H, W) or (N, 3, H, W) of 0..1; returns (N, 3, H, W)."""
    moved = compress(coarsen(light(turn_and_crop(faces, random), random), random), random)
    return erase(tint(moved.expand(-1, 3, -1, -1), random), random)


class Batches:
    """The samples of every epoch: labelled grey faces, and beside them faces in colour that only the teacher names.

    The net has to answer for a disturbed face in colour what its own moving average answers for the face as it is (mean
    teacher: Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780). The same seed and step give the same batch.
    """

    def __init__(self, train: FerPlus, colour: NDArray[np.uint8], recipe: ClassifierRecipe, card: ModelCard, device: str) -> None:
        places, distribution = train.distribution()
        self._faces, self._targets = torch.from_numpy(train.faces[places])[:, None], torch.from_numpy(distribution)
        self._colour = torch.from_numpy(colour).permute(0, 3, 1, 2)  # (n, 3, H, W)
        rare = np.isin(distribution.argmax(axis=1), [EMOTIONS.index(name) for name in RARE])
        self._samples = torch.from_numpy(np.repeat(np.arange(len(places)), np.where(rare, recipe.rare_repeats, 1)))
        self._recipe, self._card, self._device = recipe, card, device
        self._random, self._mixup = torch.Generator(), 0.0

    def __len__(self) -> int:
        return len(self._samples)

    def begin(self, epoch: int) -> Tensor:
        """The samples of an epoch in their order, the same in every process."""
        self._mixup = self._recipe.mixup if epoch < MIXUP_ENDS * self._recipe.epochs else 0.0
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(self._recipe.seed * 1000 + epoch))
        return self._samples[order]

    def loss(self, net: nn.Module, teacher: Callable[[], nn.Module], step: int, share: Tensor) -> Tensor:
        """The cross-entropy of a step's share of its batch, and of the faces in colour beside it."""
        # The same where a run goes on, another one in each process, and another than the seed of what the net draws itself in
        # this step (Stepper), which is at least 1013 less.
        self._random.manual_seed((self._recipe.seed * 999_983 + step + 1) * 1013 + distributed.rank())
        grey = disturb(self._faces[share].float() / 255, self._random)
        pixels, wanted = mix(grey, self._targets[share], self._random, self._mixup)
        pixels, wanted = self._normalised(pixels), wanted.to(self._device)
        beside = max(1, round(len(share) * self._recipe.colour_share)) if len(self._colour) else 0
        if beside:
            faces = self._colour[torch.randint(len(self._colour), (beside,), generator=self._random)].float() / 255
            with torch.no_grad():
                taught = _logits(teacher(), self._normalised(faces)).softmax(1)
            pixels = torch.cat([pixels, self._normalised(disturb(faces, self._random))])
            wanted = torch.cat([wanted, taught])
        return nn.functional.cross_entropy(_logits(net, pixels), wanted)

    def _normalised(self, pixels: Tensor) -> Tensor:
        return normalised(pixels.to(self._device), self._card, white=1)


def _logits(net: nn.Module, pixels: Tensor) -> Tensor:
    # On CPUs the fused kernel's backward pass takes ten times as long over so few tokens.
    attention = sdpa_kernel(SDPBackend.MATH) if pixels.device.type == "cpu" else nullcontext()
    with torch.autocast(pixels.device.type, torch.bfloat16), attention:
        logits: Tensor = net(pixels)
    return logits.float()
