"""One step of a fit: a batch in parts, with or without sharpness-aware minimisation, in one process or several."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from ferstream.training.trainer import distributed
from ferstream.training.trainer.sam import Sharpness, frozen_statistics

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Scores:
    """Sums over samples, which stay on the net's device until they are read: loss, right answers, samples."""

    sums: Tensor  # (3,) float64

    @classmethod
    def none(cls, device: str) -> Self:
        return cls(torch.zeros(3, dtype=torch.float64, device=device))

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor, loss: Tensor) -> Self:
        """Of logits (n, classes), labels (n,) and the sum of their losses."""
        right = (logits.detach().argmax(1) == labels.to(logits.device)).sum()
        return cls(torch.stack([loss.detach().double(), right.double(), torch.full_like(right, len(labels)).double()]))

    @classmethod
    def of_loss(cls, loss: Tensor) -> Self:
        """Of a loss alone, where right answers are not counted: it counts as one sample."""
        return cls(torch.stack([loss.detach().double(), loss.new_zeros((), dtype=torch.float64), torch.ones_like(loss).double()]))

    def __add__(self, other: "Scores") -> "Scores":
        return Scores(self.sums + other.sums)

    def together(self) -> "Scores":
        """The sums over all processes."""
        return Scores(distributed.mean(self.sums) * distributed.size())

    def mean_loss(self) -> float:
        return float(self.sums[0] / self.sums[2].clamp(min=1))

    def accuracy(self) -> float:
        return float(self.sums[1] / self.sums[2].clamp(min=1))


class Stepper:
    """The net, its optimiser, its learning rate and its moving average: what a step changes and a checkpoint keeps.

    `clip` is the largest norm of the gradient, `ema_decay` that of the moving average, `sam_rho` the radius of sharpness-aware
    minimisation; each is off at 0.
    """

    def __init__(
        self,
        net: nn.Module,
        optimiser: Optimizer,
        schedule: LambdaLR,
        *,
        seed: int,
        clip: float = 0.0,
        ema_decay: float = 0.0,
        sam_rho: float = 0.0,
    ) -> None:
        self._net, self._optimiser, self._schedule = net, optimiser, schedule
        self._seed, self._clip = seed, clip
        self._sharpness = Sharpness(net.parameters(), sam_rho) if sam_rho else None
        self._ema = ModelEmaV3(net, decay=ema_decay, use_warmup=True) if ema_decay else None

    def step(self, number: int, parts: Sequence[Part], loss_of: Callable[[Part], tuple[Tensor, Scores]]) -> Scores:
        """Step `number` of the run, on this process's equal parts of a batch; returns how the batch was answered before it.

        `loss_of` gives the mean loss of a part, and its scores.
        """
        self._net.train()
        scores = self._gradients(number, parts, loss_of)
        if self._sharpness is not None:
            with self._sharpness.worst(), frozen_statistics(self._net):
                self._gradients(number, parts, loss_of)
        if self._clip:
            nn.utils.clip_grad_norm_(self._net.parameters(), self._clip)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad()
        if self._ema is not None:
            self._ema.update(self._net, step=number)
        return scores

    def _gradients(self, number: int, parts: Sequence[Part], loss_of: Callable[[Part], tuple[Tensor, Scores]]) -> Scores:
        # What the net draws itself (dropped paths) is the same where a run goes on, and differs from process to process.
        torch.manual_seed((self._seed * 1_000_003 + number) * 1009 + distributed.rank())
        answered = []
        for part in parts:
            loss, scores = loss_of(part)
            (loss / len(parts)).backward()  # type: ignore[no-untyped-call]
            answered.append(scores)
        distributed.average_gradients(self._net)
        return sum(answered[1:], answered[0])

    def kept(self) -> nn.Module:
        """The averaged net if there is one, else the net itself: what is validated and served."""
        module: nn.Module = self._net if self._ema is None else self._ema.module
        return module

    def share_statistics(self) -> None:
        """Give all processes the first one's running statistics."""
        for net in filter(None, (self._net, self._ema)):
            distributed.share_buffers(net)

    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimiser.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises KeyError, RuntimeError or ValueError where the state is of another run."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        parts = {"net": self._net, "optimiser": self._optimiser, "schedule": self._schedule}
        return parts if self._ema is None else {**parts, "ema": self._ema}


def warm_cosine(optimiser: Optimizer, warm_up: int, total: int) -> LambdaLR:
    """A linear rise over `warm_up` steps, then half a cosine to zero at step `total`."""
    return _warm(optimiser, warm_up, lambda step: 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up))))


def warm_steps(optimiser: Optimizer, warm_up: int, every: int, factor: float) -> LambdaLR:
    """A linear rise over `warm_up` steps; the rate is multiplied by `factor` every `every` steps of the run. 1 leaves it."""
    return _warm(optimiser, warm_up, lambda step: factor ** (step // every))


def _warm(optimiser: Optimizer, warm_up: int, after: Callable[[int], float]) -> LambdaLR:
    return LambdaLR(optimiser, lambda step: (step + 1) / warm_up if step < warm_up else after(step))
