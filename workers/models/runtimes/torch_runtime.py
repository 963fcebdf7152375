"""Nets in torch: on a GPU in half precision, compiled; on a CPU in float32."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor, nn

from ferstream.workers.models.card import SAFETENSORS, ModelCard, ModelError
from ferstream.workers.models.nets.hybrid_vit import build_classifier
from ferstream.workers.models.nets.opencv_ssd import OpenCvSsd
from ferstream.workers.models.nets.ssd import SSD
from ferstream.workers.models.runtimes.runtime import Batch, OutOfMemory, Outputs

DETECTORS: dict[str, Callable[..., nn.Module]] = {"ssd": SSD, "opencv_ssd": OpenCvSsd}


def build_net(card: ModelCard) -> nn.Module:
    """The net that a card describes, with random weights. Raises ModelError where its architecture is not known."""
    if card.task == "detector":
        if card.architecture not in DETECTORS:
            raise ModelError(f"{card.name} is a detector of the kind {card.architecture!r}; known are {', '.join(DETECTORS)}")
        return DETECTORS[card.architecture](**card.options, levels=card.levels)
    return build_classifier(card.architecture, len(card.labels), **card.options)


def load_net(card: ModelCard, folder: Path) -> nn.Module:
    """The net with the weights of `folder`. Raises ModelError where they are missing, altered, or do not fit."""
    net = build_net(card)
    try:
        state = {
            key: value.float() if value.is_floating_point() else value
            for key, value in load(card.weights(folder, SAFETENSORS)).items()
        }
        net.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"the weights in {folder} do not fit {card.architecture}: {str(error).splitlines()[0]}") from error
    return net


class TorchRuntime:
    """A net on a torch device. `compiled` pays a slow first call at each batch shape for faster ones later."""

    library = "torch"

    def __init__(self, net: nn.Module, card: ModelCard, device: str, *, compiled: bool = False) -> None:
        self.device = device
        self._half = device.startswith("cuda")
        self.precision = "f16" if self._half else "f32"
        self._net = net.eval().to(device, torch.float16 if self._half else torch.float32)
        if compiled:
            self._net = torch.compile(self._net, dynamic=True)  # type: ignore[assignment]
        self._mean = torch.tensor(card.mean, device=device).view(1, 3, 1, 1) * 255
        self._reverse = card.colour == "BGR"
        self._std = torch.tensor(card.std, device=device).view(1, 3, 1, 1) * 255
        self._lock = threading.Lock()  # one stream of work a device: two at once only fight for it

    @torch.inference_mode()
    def __call__(self, batch: Batch) -> Outputs:
        try:
            with self._lock:
                pixels = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2).float()
                if self._reverse:
                    pixels = pixels.flip(1)
                outputs = self._net((pixels - self._mean).div(self._std).to(torch.float16 if self._half else torch.float32))
                tensors: tuple[Tensor, ...] = outputs if isinstance(outputs, tuple) else (outputs,)
                return tuple(np.asarray(t.float().cpu().numpy(), np.float32) for t in tensors)
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemory(f"{self.device} has no memory for a batch of {len(batch)}") from error
