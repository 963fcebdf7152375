"""How samples were answered: sums that batches, epochs and processes add up."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ferstream.training.trainer import distributed as ranks


@dataclass(frozen=True, slots=True)
class Scores:
    """Sums over samples, which stay on the net's device until somebody reads them: loss, right answers, samples."""

    sums: Tensor  # (3,) float64

    @classmethod
    def none(cls, device: str) -> Self:
        return cls(torch.zeros(3, dtype=torch.float64, device=device))

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor, loss: Tensor) -> Self:
        """Of logits (n, classes), labels (n,) and the sum of their losses."""
        right = (logits.detach().argmax(1) == labels.to(logits.device)).sum()
        return cls(torch.stack([loss.detach().double(), right.double(), torch.full_like(right, len(labels)).double()]))

    def __add__(self, other: "Scores") -> "Scores":
        return Scores(self.sums + other.sums)

    def together(self) -> "Scores":
        """The sums over all processes."""
        return Scores(ranks.mean(self.sums) * ranks.size())

    def mean_loss(self) -> float:
        return float(self.sums[0] / self.sums[2].clamp(min=1))

    def accuracy(self) -> float:
        return float(self.sums[1] / self.sums[2].clamp(min=1))
