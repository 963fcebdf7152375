"""Fit the classifier: a FER+ pack in, a run directory with checkpoints, history and the packaged model out."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from tqdm import tqdm

from streams.emotions import EMOTIONS
from training.checkpoint import load_checkpoint, save_checkpoint
from training.disturbances import coarsen, erase, light, mix, turn_and_crop
from training.ferplus import FerPlus, Protocol
from training.history import record
from training.schedule import warm_cosine
from workers.models.card import ModelCard
from workers.models.torch_runtime import TorchRuntime, build_net


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecipe:
    """The settings of a fit; the defaults made the packaged weights."""

    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up_epochs: int = 1
    ema_decay: float = 0.998
    mixup: float = 0.0
    seed: int = 0


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


def logits_of(net: nn.Module, card: ModelCard, faces: np.ndarray, device: str) -> np.ndarray:
    """Logits (N, 8) of grey faces (N, 48, 48), prepared as the card says."""
    runtime = TorchRuntime(net, card, device)
    return np.concatenate(
        [runtime(np.repeat(part[..., None], 3, axis=3))[0] for part in np.array_split(faces, len(faces) // 256 + 1)]
    )


def accuracy(logits: np.ndarray, data: FerPlus, protocol: Protocol) -> float:
    places, labels = data.labelled(protocol)
    return float((logits[places].argmax(axis=1) == labels).mean())


def disturb(faces: Tensor, random: torch.Generator) -> Tensor:
    return erase(coarsen(light(turn_and_crop(faces, random), random), random), random)


def fit_classifier(train: FerPlus, val: FerPlus, out: Path, recipe: ClassifierRecipe, device: str) -> nn.Module:
    """Train, or go on with what `out` holds, and return the averaged net."""
    torch.manual_seed(recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    card = classifier_card()
    net = build_net(card).to(device)
    ema = ModelEmaV3(net, decay=recipe.ema_decay, use_warmup=True)
    places, distribution = train.distribution()
    faces, targets = torch.from_numpy(train.faces[places])[:, None], torch.from_numpy(distribution)
    steps = len(faces) // recipe.batch_size
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = warm_cosine(optimiser, warm_up=steps * recipe.warm_up_epochs, total=steps * recipe.epochs)
    first = 0
    if state := load_checkpoint(out / "checkpoint.pt"):
        net.load_state_dict(state["net"])
        ema.load_state_dict(state["ema"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"] + 1
    for epoch in range(first, recipe.epochs):
        started, total = time.perf_counter(), 0.0
        random = torch.Generator().manual_seed(recipe.seed * 1000 + epoch)
        order = torch.randperm(len(faces), generator=random)[: steps * recipe.batch_size]
        mixup = recipe.mixup if epoch < 0.85 * recipe.epochs else 0.0
        net.train()
        for batch in tqdm(order.split(recipe.batch_size), desc=f"epoch {epoch + 1}/{recipe.epochs}", unit="batch", disable=None):
            pixels, wanted = mix(disturb(faces[batch].float() / 255, random), targets[batch], random, mixup)
            inputs = pixels.expand(-1, 3, -1, -1).to(device) * 2 - 1
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                logits = net(inputs)
            loss = nn.functional.cross_entropy(logits.float(), wanted.to(device))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            ema.update(net, step=int(schedule.last_epoch))
            total += float(loss.detach())
        logits_val = logits_of(ema.module, card, val.faces, device)
        record(
            out / "history.jsonl",
            epoch,
            loss=total / steps,
            seconds=time.perf_counter() - started,
            majority=accuracy(logits_val, val, "majority"),
            argmax8=accuracy(logits_val, val, "argmax8"),
        )
        save_checkpoint(
            out / "checkpoint.pt",
            net=net.state_dict(),
            ema=ema.state_dict(),
            optimiser=optimiser.state_dict(),
            schedule=schedule.state_dict(),
            epoch=epoch,
        )
    return ema.module
