"""What a run of the study minimises, with which optimiser, and how its net answers val."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from timm.optim import param_groups_weight_decay
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from ferstream.training.study.records.config import Config
from ferstream.training.trainer.step import Scores, Stepper, warm_cosine, warm_steps

MicroBatch = tuple[Tensor, Tensor, Tensor]  # pixels (n, 3, side, side) uint8, distributions (n, 8), labels (n,)


def stepper_for(net: nn.Module, config: Config, steps_an_epoch: int) -> Stepper:
    """What makes the run's steps."""
    optimiser = _optimiser(net, config)
    schedule = _schedule(optimiser, config, steps_an_epoch)
    return Stepper(
        net, optimiser, schedule, seed=config.seed, clip=config.clip, ema_decay=config.ema_decay, sam_rho=config.sam_rho
    )


class Objective:
    """The loss of a net on the study's samples. `weights` (8,) are those of the emotions in the loss, or None."""

    def __init__(self, net: nn.Module, config: Config, device: str, weights: Tensor | None) -> None:
        self._config, self._device, self._weights = config, device, weights
        self._forward: Callable[[Tensor], Tensor] = torch.compile(net) if config.compile else net
        self._bfloat16 = computes_in_bfloat16(config, device)
        mean, std = (torch.tensor(values, device=device).mul(255).view(1, 3, 1, 1) for values in (config.mean, config.std))
        self._mean, self._std = mean, std

    def loss(self, part: MicroBatch) -> tuple[Tensor, Scores]:
        """The mean loss of a part, to train on, and its scores."""
        pixels, targets, labels = part
        logits = self.logits(self._forward, pixels)
        smoothing = self._config.label_smoothing
        loss = nn.functional.cross_entropy(
            logits, targets.to(self._device), self._weights, reduction="sum", label_smoothing=smoothing
        )
        return loss / len(labels), Scores.of(logits, labels, loss)

    def logits(self, net: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
        """Logits (n, 8) of pixels (n, 3, side, side) uint8, in float32."""
        prepared = (pixels.to(self._device, non_blocking=True).float() - self._mean).div_(self._std)
        with torch.autocast(self._device.partition(":")[0], torch.bfloat16, enabled=self._bfloat16), _attention(self._device):
            return net(prepared).float()

    @torch.inference_mode()
    def validate(self, net: nn.Module, parts: Iterable[MicroBatch]) -> Scores:
        """Loss and right answers of `net`, in evaluation, over all parts of this process."""
        net, scores = net.eval(), Scores.none(self._device)
        for pixels, targets, labels in parts:
            logits = self.logits(net, pixels)
            scores += Scores.of(logits, labels, nn.functional.cross_entropy(logits, targets.to(self._device), reduction="sum"))
        return scores


def computes_in_bfloat16(config: Config, device: str) -> bool:
    """What `precision` comes to on this device. bfloat16 needs no scaling of the loss, float16 would."""
    if config.precision != "auto":
        return config.precision == "bfloat16"
    # Older GPUs than Ampere only imitate it, slower than float32.
    return device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)


def _attention(device: str) -> AbstractContextManager[None]:
    # On CPUs the fused kernel's backward pass takes many times as long over few tokens.
    return nullcontext() if device.startswith("cuda") else sdpa_kernel(SDPBackend.MATH)


def _optimiser(net: nn.Module, config: Config) -> Optimizer:
    groups = param_groups_weight_decay(net, config.weight_decay)
    if config.optimiser == "adamw":
        return AdamW(groups, lr=config.learning_rate)
    return SGD(groups, lr=config.learning_rate, momentum=config.momentum)


def _schedule(optimiser: Optimizer, config: Config, steps_an_epoch: int) -> LambdaLR:
    warm_up = round(config.warm_up_epochs * steps_an_epoch)
    if config.schedule == "cosine":
        return warm_cosine(optimiser, warm_up, config.epochs * steps_an_epoch)
    factor = config.step_factor if config.schedule == "step" else 1.0
    return warm_steps(optimiser, warm_up, config.step_epochs * steps_an_epoch, factor)
