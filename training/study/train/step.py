"""One step of a run: a batch in parts, with or without sharpness-aware minimisation, on one process or several."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from timm.optim import param_groups_weight_decay
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from ferstream.training.study.records.config import Config
from ferstream.training.study.train.sam import Sharpness, frozen_statistics
from ferstream.training.study.train.scores import Scores
from ferstream.training.trainer import distributed as ranks
from ferstream.training.trainer.schedule import warm_cosine, warm_steps

Part = tuple[Tensor, Tensor, Tensor]  # pixels (n, 3, side, side) uint8, distributions (n, 8), labels (n,)


class Stepper:
    """The net, its optimiser, and everything of theirs that a checkpoint keeps.

    `weights` (8,) are those of the emotions in the loss, or None.
    """

    def __init__(self, net: nn.Module, config: Config, steps_an_epoch: int, device: str, weights: Tensor | None) -> None:
        self._config, self._device, self._weights = config, device, weights
        self._net = net
        self._forward: Callable[[Tensor], Tensor] = torch.compile(net) if config.compile else net
        self._optimiser = _optimiser(net, config)
        self._schedule = _schedule(self._optimiser, config, steps_an_epoch)
        self._sharpness = Sharpness(net.parameters(), config.sam_rho) if config.sam_rho else None
        self._ema = ModelEmaV3(net, decay=config.ema_decay, use_warmup=True) if config.ema_decay else None
        self._bfloat16 = computes_in_bfloat16(config, device)
        mean, std = (torch.tensor(values, device=device).mul(255).view(1, 3, 1, 1) for values in (config.mean, config.std))
        self._mean, self._std = mean, std

    def step(self, number: int, parts: Sequence[Part]) -> Scores:
        """Step `number` of the run, on this process's parts of its batch; returns how the batch was answered before it."""
        self._net.train()
        scores = self._gradients(number, parts)
        if self._sharpness is not None:
            with self._sharpness.worst(), frozen_statistics(self._net):
                self._gradients(number, parts)
        if self._config.clip:
            nn.utils.clip_grad_norm_(self._net.parameters(), self._config.clip)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad()
        if self._ema is not None:
            self._ema.update(self._net, step=number)
        return scores

    def _gradients(self, number: int, parts: Sequence[Part]) -> Scores:
        # What the net draws itself (dropped paths) is the same where a run goes on, and differs from process to process.
        torch.manual_seed((self._config.seed * 1_000_003 + number) * 1009 + ranks.rank())
        faces = sum(len(labels) for *_, labels in parts)
        scores = Scores.none(self._device)
        for pixels, targets, labels in parts:
            logits = self.logits(self._forward, pixels)
            loss = self._loss(logits, targets.to(self._device))
            (loss / faces).backward()  # type: ignore[no-untyped-call]
            scores += Scores.of(logits, labels, loss)
        ranks.average_gradients(self._net)
        return scores

    def logits(self, net: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
        """Logits (n, 8) of pixels (n, 3, side, side) uint8, in float32."""
        prepared = (pixels.to(self._device, non_blocking=True).float() - self._mean).div_(self._std)
        with torch.autocast(self._device.partition(":")[0], torch.bfloat16, enabled=self._bfloat16), _attention(self._device):
            return net(prepared).float()

    @torch.inference_mode()
    def validate(self, parts: Iterable[Part]) -> Scores:
        """How the net that is kept, the averaged one if there is one, answers."""
        net, scores = self.kept().eval(), Scores.none(self._device)
        for pixels, targets, labels in parts:
            logits = self.logits(net, pixels)
            scores += Scores.of(logits, labels, nn.functional.cross_entropy(logits, targets.to(self._device), reduction="sum"))
        return scores

    def kept(self) -> nn.Module:
        """The averaged net if there is one, else the net itself."""
        module: nn.Module = self._net if self._ema is None else self._ema.module
        return module

    def share_statistics(self) -> None:
        """Give all processes the first one's running statistics."""
        for net in filter(None, (self._net, self._ema)):
            ranks.share_buffers(net)

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

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The sum over the samples."""
        smoothing = self._config.label_smoothing
        return nn.functional.cross_entropy(logits, targets, self._weights, reduction="sum", label_smoothing=smoothing)


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
