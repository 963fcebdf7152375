"""One run of training: the optimiser, the averaged net, and the checkpoint through which both outlive an interruption."""

import copy
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from tqdm import tqdm

from streams.errors import FerstreamError
from training.checkpoint import load_checkpoint, save_checkpoint
from training.history import record, rewind
from training.schedule import warm_cosine

Batch = TypeVar("Batch")

CHECKPOINT = "checkpoint.pt"
HISTORY = "history.jsonl"


class RunError(FerstreamError):
    """A run cannot start or go on: too few samples, or a checkpoint of another recipe or net."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings that every fit has. Together with the packs they determine the weights."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    clip: float  # largest norm of the gradient
    warm_up_epochs: int = 1
    ema_decay: float = 0.998
    seed: int = 0


class Run:
    """Trains `net` with AdamW under a cosine, keeps its moving average, and goes on where the checkpoint in `out` stopped.

    Raises RunError where there are fewer `samples` than a batch holds, or the checkpoint is of another recipe or net.
    """

    def __init__(self, net: nn.Module, out: Path, recipe: Recipe, samples: int) -> None:
        self.steps = samples // recipe.batch_size
        if not self.steps:
            raise RunError(f"{samples} samples do not fill one batch of {recipe.batch_size}")
        out.mkdir(parents=True, exist_ok=True)
        self._checkpoint, self._history = out / CHECKPOINT, out / HISTORY
        self._net, self._recipe = net, recipe
        self._ema = ModelEmaV3(net, decay=recipe.ema_decay, use_warmup=True)
        self._optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        warm_up, total = self.steps * recipe.warm_up_epochs, self.steps * recipe.epochs
        self._schedule = warm_cosine(self._optimiser, warm_up=warm_up, total=total)
        self._first = self._resume()
        rewind(self._history, self._first)

    def _resume(self) -> int:
        """Take over the checkpoint, if there is one; returns the first epoch that is still to be trained."""
        state = load_checkpoint(self._checkpoint)
        if state is None:
            return 0
        if state.get("recipe", asdict(self._recipe)) != asdict(self._recipe):
            raise RunError(f"{self._checkpoint} was begun with another recipe: name another --out, or the same settings")
        try:
            for part in ("net", "ema", "optimiser", "schedule"):
                getattr(self, f"_{part}").load_state_dict(state[part])
            return int(state["epoch"]) + 1
        except (KeyError, RuntimeError, ValueError) as error:
            raise RunError(f"{self._checkpoint} is of another net: {str(error).splitlines()[0]}") from error

    def epochs(self) -> range:
        """The epochs that are still to be trained."""
        return range(self._first, self._recipe.epochs)

    def train(self, epoch: int, batches: Iterable[Batch], loss_of: Callable[[Batch], Tensor]) -> dict[str, float]:
        """One step a batch; returns the epoch's mean loss and its seconds."""
        started, total = time.perf_counter(), 0.0
        self._net.train()
        for batch in tqdm(batches, desc=f"epoch {epoch + 1}/{self._recipe.epochs}", total=self.steps, unit="batch", disable=None):
            loss = loss_of(batch)
            self._step(loss)
            total += float(loss.detach())
        return {"loss": total / self.steps, "seconds": time.perf_counter() - started}

    def _step(self, loss: Tensor) -> None:
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._net.parameters(), self._recipe.clip)
        self._optimiser.step()
        self._schedule.step()
        self._ema.update(self._net, step=int(self._schedule.last_epoch))

    def close(self, epoch: int, **figures: float) -> None:
        """Keep what the epoch has reached: a checkpoint, then a line of history."""
        parts = {part: getattr(self, f"_{part}").state_dict() for part in ("net", "ema", "optimiser", "schedule")}
        record(self._history, epoch, **figures)
        save_checkpoint(self._checkpoint, **parts, epoch=epoch, recipe=asdict(self._recipe))

    def averaged(self) -> nn.Module:
        """A copy of the averaged net, to validate or package: a runtime may halve its precision."""
        net: nn.Module = copy.deepcopy(self._ema.module)
        return net.eval()
