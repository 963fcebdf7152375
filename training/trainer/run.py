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

from ferstream.streams.errors import FerstreamError
from ferstream.training.common.messages import first_line
from ferstream.training.trainer import distributed as ranks
from ferstream.training.trainer.checkpoint import load_checkpoint, save_checkpoint
from ferstream.training.trainer.history import record, rewind
from ferstream.training.trainer.schedule import warm_cosine

Batch = TypeVar("Batch")

CHECKPOINT = "checkpoint.pt"
HISTORY = "history.jsonl"
VALIDATE_EVERY = 5


class RunError(FerstreamError):
    """A run cannot start or go on: too few samples, or a checkpoint of another recipe or net."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings that every fit has. With the same files and as many processes they give the same weights."""

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

    Where several processes fit together, each takes its share of every batch; they start from the same net. `inputs` are the
    digests of the files that the fit is made from.

    Raises RunError where there are fewer `samples` than a batch holds, or the checkpoint is of another recipe, net or inputs.
    """

    def __init__(self, net: nn.Module, out: Path, recipe: Recipe, samples: int, inputs: dict[str, str]) -> None:
        self.steps = samples // recipe.batch_size
        if not self.steps:
            raise RunError(f"{samples} samples do not fill one batch of {recipe.batch_size}")
        out.mkdir(parents=True, exist_ok=True)
        self._checkpoint, self._history = out / CHECKPOINT, out / HISTORY
        self._net, self._recipe, self._inputs = net, recipe, inputs
        self._ema = ModelEmaV3(net, decay=recipe.ema_decay, use_warmup=True)
        self._optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        warm_up, total = self.steps * recipe.warm_up_epochs, self.steps * recipe.epochs
        self._schedule = warm_cosine(self._optimiser, warm_up=warm_up, total=total)
        self._first = self._resume()
        if ranks.rank() == 0:
            rewind(self._history, self._first)

    def _resume(self) -> int:
        """Take over the checkpoint, if there is one; returns the first epoch that is still to be trained."""
        state = load_checkpoint(self._checkpoint)
        if state is None:
            return 0
        if state.get("recipe", asdict(self._recipe)) != asdict(self._recipe):
            raise RunError(f"{self._checkpoint} was begun with another recipe: name another --out, or the same settings")
        if state.get("inputs", self._inputs) != self._inputs:
            raise RunError(f"{self._checkpoint} was begun with other files: name another --out, or the same packs and models")
        try:
            for part in ("net", "ema", "optimiser", "schedule"):
                getattr(self, f"_{part}").load_state_dict(state[part])
            return int(state["epoch"]) + 1
        except (KeyError, RuntimeError, ValueError) as error:
            raise RunError(f"{self._checkpoint} is of another net: {first_line(error)}") from error

    def share(self, order: Tensor) -> list[Tensor]:
        """This process's batches of a shuffled `order` of samples."""
        batches = torch.split(order[: self.steps * self._recipe.batch_size], self._recipe.batch_size)
        return [batch[ranks.rank() :: ranks.size()] for batch in batches]

    def epochs(self) -> range:
        """The epochs that are still to be trained."""
        return range(self._first, self._recipe.epochs)

    def train(self, epoch: int, batches: Iterable[Batch], loss_of: Callable[[Batch], Tensor]) -> dict[str, float]:
        """One step a batch; returns the epoch's mean loss and its seconds."""
        started, total = time.perf_counter(), 0.0
        # What the net draws itself (dropped paths) is the same where a run goes on, and differs from process to process.
        torch.manual_seed((self._recipe.seed * 1000 + epoch) * 1009 + ranks.rank())
        self._net.train()
        shown = True if ranks.rank() else None  # one progress bar, and none in a pipe
        title = f"epoch {epoch + 1}/{self._recipe.epochs}"
        for batch in tqdm(batches, desc=title, total=self.steps, unit="batch", disable=shown):
            loss = loss_of(batch)
            self._step(loss)
            total += float(loss.detach())
        return {"loss": total / self.steps, "seconds": time.perf_counter() - started}

    def _step(self, loss: Tensor) -> None:
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        ranks.average_gradients(self._net)
        nn.utils.clip_grad_norm_(self._net.parameters(), self._recipe.clip)
        self._optimiser.step()
        self._schedule.step()
        self._ema.update(self._net, step=int(self._schedule.last_epoch))

    def validates(self, epoch: int) -> bool:
        """Whether this process measures the averaged net after `epoch`: the first one, every fifth epoch and after the last."""
        return ranks.rank() == 0 and (epoch % VALIDATE_EVERY == VALIDATE_EVERY - 1 or epoch + 1 == self._recipe.epochs)

    def close(self, epoch: int, **figures: float) -> None:
        """Keep what the epoch has reached: a line of history, then a checkpoint."""
        for net in (self._net, self._ema):
            ranks.share_buffers(net)
        if ranks.rank():
            return
        parts = {part: getattr(self, f"_{part}").state_dict() for part in ("net", "ema", "optimiser", "schedule")}
        record(self._history, epoch, **figures)
        save_checkpoint(self._checkpoint, **parts, epoch=epoch, recipe=asdict(self._recipe), inputs=self._inputs)

    def teacher(self) -> nn.Module:
        """The moving average itself, as it stands, to ask while training."""
        module: nn.Module = self._ema.module
        return module

    def averaged(self) -> nn.Module:
        """A copy of the averaged net, to validate or package: a runtime may halve its precision."""
        net: nn.Module = copy.deepcopy(self._ema.module)
        return net.eval()


def averaged_net(net: nn.Module, out: Path) -> nn.Module:
    """`net` with the averaged weights of the run in `out`. Raises RunError where there is none, or of another net."""
    state = load_checkpoint(out / CHECKPOINT)
    if state is None:
        raise RunError(f"there is no run in {out}: it lacks {CHECKPOINT}")
    try:
        net.load_state_dict({name.removeprefix("module."): value for name, value in state["ema"].items()})
    except (KeyError, RuntimeError) as error:
        raise RunError(f"{out / CHECKPOINT} is of another net: {first_line(error)}") from error
    return net.eval()
