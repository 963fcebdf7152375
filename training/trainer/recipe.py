"""Recipes of the packaged nets: the settings that both have, the run that they make, and the results file."""

import copy
import platform
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ferstream.training.common.json_file import write_json
from ferstream.training.trainer import distributed
from ferstream.training.trainer.checkpoint import Origin, RunError
from ferstream.training.trainer.history import EpochRow, History
from ferstream.training.trainer.run import Progress, Run, Stopping, Task
from ferstream.training.trainer.step import Scores, Stepper, warm_cosine
from ferstream.workers.models.card import ModelCard

Part = TypeVar("Part")

RESULTS = "results.json"
VALIDATE_EVERY = 5


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


class RecipeTask(Task[Part]):
    """A net trained by a recipe: AdamW under a cosine; its moving average is measured every fifth epoch and after the last.

    `samples` are those of an epoch, `inputs` the digests of the files that the fit is made from. Raises RunError where there are
    fewer samples than a batch holds, or the checkpoint in `out` is of other settings, files or another net.
    """

    def __init__(
        self,
        net: nn.Module,
        out: Path,
        recipe: Recipe,
        samples: int,
        inputs: dict[str, str],
        device: str,
        stopping: Stopping | None,
    ) -> None:
        self._net, self._recipe, self._device = net, recipe, device
        self.steps = samples // recipe.batch_size
        if not self.steps:
            raise RunError(f"{samples} samples do not fill one batch of {recipe.batch_size}")
        optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        schedule = warm_cosine(optimiser, self.steps * recipe.warm_up_epochs, self.steps * recipe.epochs)
        self._stepper = Stepper(
            net, optimiser, schedule, seed=recipe.seed, clip=recipe.clip, ema_decay=recipe.ema_decay
        )  # fmt: skip
        origin = Origin(asdict(recipe), inputs)
        self.run = Run(self._stepper, out, origin, device, epochs=recipe.epochs, steps=self.steps, stopping=stopping)
        self._history = History(out, 0 if self.run.over() else self.run.progress.epoch)  # a finished run adds nothing to it

    @abstractmethod
    def validate(self, net: nn.Module) -> EpochRow:
        """What the averaged net reaches on val."""

    def shares(self, order: Tensor, step: int) -> list[Tensor]:
        """This process's batches of a shuffled `order` of samples, from a step on."""
        batches = torch.split(order[: self.steps * self._recipe.batch_size], self._recipe.batch_size)
        return [batch[distributed.rank() :: distributed.size()] for batch in batches[step:]]

    def teacher(self) -> nn.Module:
        """The moving average itself, as it stands and with the first process's statistics, to ask while training."""
        net = self._stepper.kept()
        distributed.share_buffers(net)  # a run that goes on has these in all processes, whenever it was interrupted
        return net

    def measure(self, epoch: int, net: nn.Module, trained: Scores, pause: Callable[[], None]) -> EpochRow:
        figures = {"train_loss": trained.mean_loss()}
        due = epoch % VALIDATE_EVERY == VALIDATE_EVERY - 1 or epoch + 1 == self._recipe.epochs
        if due:
            self.run.save(self)  # measuring may take minutes, and a second signal ends the process at once
        if due and distributed.rank() == 0:
            measured = copy.deepcopy(net).eval()  # a copy: a runtime may halve its precision
            measured.register_forward_pre_hook(lambda *_: pause())
            figures |= self.validate(measured)
        return figures

    def close(self, row: EpochRow, _progress: Progress) -> None:
        self._history.append(row)


def normalised(pixels: Tensor, card: ModelCard, white: float) -> Tensor:
    """Pixels (N, 3, H, W) of 0..`white`, less the mean, over the std, per channel, in float32."""
    pixels = pixels.float()
    mean, std = (pixels.new_tensor(values).mul(white).view(1, 3, 1, 1) for values in (card.mean, card.std))
    return (pixels - mean).div_(std)


def write_results(out: Path, recipe: Recipe, files: tuple[Path, ...], package: Path, figures: dict[str, Any]) -> Path:
    """Write `results.json` into `out`: what was trained with what, and how good it came out. Raises WriteError."""
    content = {
        "recipe": asdict(recipe),
        "files": [file.name for file in files],
        "package": str(package),
        "figures": figures,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in ("torch", "timm", "openvino")},
    }
    write_json(out / RESULTS, content)
    return out / RESULTS
