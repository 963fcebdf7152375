"""Opening models by task, device and runtime. The library behind a runtime is imported only when that runtime is chosen."""

import re
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ferstream.streams.errors import how_to_install
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.workers.models.card import PACKAGED, ModelCard, ModelError
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.detector import Detector
from ferstream.workers.models.runtimes.runtime import Precision, Runtime

RuntimeName = Literal["auto", "openvino", "torch"]


def open_detector(
    folder: Path | None, device: str = "auto", runtime: RuntimeName = "auto", threads: int = 1, precision: Precision = "f32"
) -> Detector:
    """The packaged detector, or the one in `folder`. Raises ModelError."""
    card, opened = _open("detector", folder, device, runtime, threads, precision)
    return Detector(opened, card)


def open_classifier(
    folder: Path | None, device: str = "auto", runtime: RuntimeName = "auto", threads: int = 1, precision: Precision = "f32"
) -> Classifier:
    """The packaged classifier, or the one in `folder`. Raises ModelError, also where its labels are not our emotions."""
    card, opened = _open("classifier", folder, device, runtime, threads, precision)
    if card.labels != EMOTIONS:
        raise ModelError(f"{card.name} names {', '.join(card.labels)}; a worker needs {', '.join(EMOTIONS)}, in this order")
    return Classifier(opened, card)


def choose_runtime(device: str, runtime: RuntimeName) -> tuple[str, Literal["openvino", "torch"]]:
    """The device and runtime that `auto` stands for here: CUDA through torch where there is one, else the CPU through OpenVINO.

    Raises ModelError where the device is none of `auto`, `cpu`, `cuda` and `cuda:N`, or what is asked for is not installed or not
    there.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", device):
        raise ModelError(f"{device!r} is no device: use auto, cpu, cuda or cuda:N")
    wants_cuda = device.startswith("cuda")
    if wants_cuda and runtime == "openvino":
        raise ModelError("openvino computes on the CPU here: use --runtime torch for a CUDA device")
    has_torch, has_openvino = bool(find_spec("torch")), bool(find_spec("openvino"))
    # Where the driver's library is missing there is no GPU: torch and its 300 MB need not be loaded to find that out.
    if (wants_cuda or (device == "auto" and find_library("cuda"))) and runtime != "openvino" and has_torch:
        found = _cuda_device(device)
        if found:
            return found, "torch"
    gpu, cpu = how_to_install("gpu"), how_to_install("cpu")
    if not (has_torch or has_openvino):
        raise ModelError(f"no runtime is installed: {cpu} (OpenVINO) or {gpu} (torch)")
    if wants_cuda:
        raise ModelError(f"{device} asked for, but torch is not installed: {gpu}")
    if runtime == "torch" and not has_torch:
        raise ModelError(f"torch is not installed; openvino is: leave --runtime away, or {gpu}")
    if runtime == "openvino" and not has_openvino:
        raise ModelError(f"openvino is not installed; torch is: leave --runtime away, or {cpu}")
    return "cpu", "openvino" if has_openvino and runtime != "torch" else "torch"


def choose_torch_device(device: str) -> str:
    """Where torch trains: `cuda`, which is every GPU, for `auto` or `cuda` where there is one; else what is asked for, or `cpu`.

    Raises ModelError where what is asked for is not there.
    """
    chosen, _ = choose_runtime(device, "torch")
    return "cuda" if chosen.startswith("cuda") and device in {"auto", "cuda"} else chosen


def _cuda_device(device: str) -> str | None:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda:0" if count else None
    if not count:
        missing = (
            "no GPU with its driver is here: give the container one (docker: --gpus all; Kubernetes: a limit of nvidia.com/gpu)"
            if torch.version.cuda
            else "this torch is built without CUDA: install one with it"
        )
        raise ModelError(f"{device} asked for, but {missing}, or use --device cpu or auto")
    _, _, number = device.partition(":")
    if int(number or 0) >= count:
        raise ModelError(f"{device} asked for, but this machine has {count} CUDA devices: use --device cpu or auto")
    return f"cuda:{int(number or 0)}"


def _open(
    task: Literal["detector", "classifier"],
    folder: Path | None,
    device: str,
    runtime: RuntimeName,
    threads: int,
    precision: Precision,
) -> tuple[ModelCard, Runtime]:
    folder = folder or PACKAGED[task]
    card = ModelCard.read(folder)
    if card.task != task:
        raise ModelError(f"{folder} holds a {card.task}, not a {task}")
    chosen_device, chosen = choose_runtime(device, runtime)
    if chosen == "openvino":
        from ferstream.workers.models.runtimes.openvino_runtime import OpenVinoRuntime

        return card, OpenVinoRuntime(card, folder, threads=max(1, threads), precision=precision)
    from ferstream.workers.models.runtimes.torch_runtime import TorchRuntime, load_net

    return card, TorchRuntime(load_net(card, folder), card, chosen_device, compiled=chosen_device.startswith("cuda"))
