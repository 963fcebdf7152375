"""Fit the classifier: a FER+ pack in, a run directory with checkpoints and history, and the averaged net out."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from streams.emotions import EMOTIONS
from training.classifier_evaluate import logits_of
from training.disturbances import coarsen, erase, light, mix, turn_and_crop
from training.ferplus import PROTOCOLS, FerPlus
from training.metrics import accuracy
from training.normalise import normalised
from training.run import Recipe, Run
from workers.models.card import ModelCard
from workers.models.classifier import Classifier
from workers.models.torch_runtime import TorchRuntime, build_net


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecipe(Recipe):
    """The settings of a fit; the defaults made the packaged weights."""

    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    clip: float = 1.0
    mixup: float = 0.0


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


def disturb(faces: Tensor, random: torch.Generator) -> Tensor:
    return erase(coarsen(light(turn_and_crop(faces, random), random), random), random)


def fit_classifier(train: FerPlus, val: FerPlus, out: Path, recipe: ClassifierRecipe, device: str) -> nn.Module:
    """Train, or go on with what `out` holds, and return the averaged net. Raises RunError."""
    torch.manual_seed(recipe.seed)
    card = classifier_card()
    net = build_net(card).to(device)
    places, distribution = train.distribution()
    faces, targets = torch.from_numpy(train.faces[places])[:, None], torch.from_numpy(distribution)
    run = Run(net, out, recipe, len(faces))
    for epoch in run.epochs():
        random = torch.Generator().manual_seed(recipe.seed * 1000 + epoch)
        order = torch.randperm(len(faces), generator=random)[: run.steps * recipe.batch_size]
        mixup = recipe.mixup if epoch < 0.85 * recipe.epochs else 0.0

        def loss_of(batch: Tensor, random: torch.Generator = random, mixup: float = mixup) -> Tensor:
            pixels, wanted = mix(disturb(faces[batch].float() / 255, random), targets[batch], random, mixup)
            return _loss(net, normalised(pixels.to(device).expand(-1, 3, -1, -1), card), wanted.to(device))

        figures = run.train(epoch, torch.split(order, recipe.batch_size), loss_of)
        run.close(epoch, **figures, **_validate(run.averaged(), card, val, device))
    return run.averaged()


def _loss(net: nn.Module, pixels: Tensor, wanted: Tensor) -> Tensor:
    with torch.autocast(pixels.device.type, torch.bfloat16):
        logits = net(pixels)
    return nn.functional.cross_entropy(logits.float(), wanted)


def _validate(net: nn.Module, card: ModelCard, val: FerPlus, device: str) -> dict[str, float]:
    logits = logits_of(Classifier(TorchRuntime(net, card, device), card), val.faces)
    figures: dict[str, float] = {}
    for protocol in PROTOCOLS:
        places, labels = val.labelled(protocol)
        figures[protocol] = accuracy(logits[places], labels)
    return figures
