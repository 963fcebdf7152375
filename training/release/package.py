"""Packaging a trained net: safetensors for torch, ONNX for OpenVINO, and the card that names and describes both."""

import copy
import hashlib
import io
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save
from skimage.data import astronaut
from torch import nn

from ferstream.streams.service.atomic_file import make_folder
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.models.card import CARD, ONNX, PAGE, PICTURE, SAFETENSORS, ModelCard, ModelError
from ferstream.workers.models.classifier import softmax
from ferstream.workers.models.detector import sigmoid
from ferstream.workers.models.runtimes.openvino_runtime import OpenVinoRuntime
from ferstream.workers.models.runtimes.runtime import Batch, Outputs
from ferstream.workers.models.runtimes.torch_runtime import TorchRuntime, build_net

#: Largest difference of any score or probability between torch and OpenVINO, both in float32 on the same float16 weights.
TOLERANCE = 2e-3
#: The same for the detector's offsets: 0.005 moves an edge by 0.05 % of its anchor's side.
OFFSET_TOLERANCE = 5e-3
#: Largest difference that float16 weights may make to a score or probability, and to an offset.
ROUNDING, OFFSET_ROUNDING = 2e-2, 1e-1
#: What a model's folder holds.
FILES = {CARD, PAGE, PICTURE, SAFETENSORS, ONNX}
#: Packaged weights live in the repository: no file of theirs is larger than this.
LARGEST_BYTES = 25_000_000


def package(net: nn.Module, card: ModelCard, folder: Path, largest_bytes: float = LARGEST_BYTES) -> ModelCard:
    """Write `folder`, whole or not at all: float16 weights in both forms, and the card with their digests, which is returned.

    Raises ModelError where the runtimes do not agree on the same pictures, half precision changes too much, or a file would be
    larger than `largest_bytes`.
    """
    net = copy.deepcopy(net).float().cpu().eval()
    exact = TorchRuntime(net, card, "cpu")(sample_pictures(card.input_size))
    fold_normalisations(net)
    state = {key: value.half().cpu() if value.is_floating_point() else value.cpu() for key, value in net.state_dict().items()}
    rounded = build_net(card)
    rounded.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state.items()})
    files = {
        SAFETENSORS: save({key: value.contiguous() for key, value in state.items()}),
        ONNX: onnx_bytes(rounded.eval(), card),
    }
    for name, data in files.items():
        if len(data) > largest_bytes:
            raise ModelError(f"{name} would have {len(data)} bytes, more than {largest_bytes}")
    card = replace(card, sha256={name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    with replacing(folder) as fresh:
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        card.write(fresh)
        check_parity(rounded, card, fresh, exact)
    return card


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder, which takes the place of `folder` and of the model that it held if the block ends without an error.

    Raises ModelError where it holds anything else.
    """
    if folder.exists() and (others := sorted(path.name for path in folder.iterdir() if path.name not in FILES)):
        raise ModelError(f"{folder} holds more than a model ({', '.join(others[:3])}): name another folder")
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        fresh, old = Path(temporary) / "fresh", Path(temporary) / "old"
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)


def onnx_bytes(net: nn.Module, card: ModelCard) -> bytes:
    """The net as ONNX: float16 weights, float32 arithmetic, any batch size, and any picture size for a detector."""
    side = card.input_size
    example = torch.zeros(2, 3, side, side)
    with torch.inference_mode():
        outputs = net(example)
    names = ["logits", "offsets", "landmarks"][: len(outputs)] if isinstance(outputs, tuple) else ["logits"]
    axes: dict[str, dict[int, str]] = {"pixels": {0: "batch"}} | {name: {0: "batch"} for name in names}
    if card.task == "detector":
        axes["pixels"] |= {2: "height", 3: "width"}
        axes |= {name: {0: "batch", 1: "anchors"} for name in names}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is marked as old, but writes the smaller graph, with the sizes left open.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (example,),
            buffer,  # type: ignore[arg-type]
            input_names=["pixels"],
            output_names=names,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    return halve_weights(onnx.load_from_string(buffer.getvalue())).SerializeToString()  # type: ignore[no-any-return]


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its float32 weights kept as float16 and cast back where they are used."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) == 0:
            continue
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{tensor.name}_half")
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(half)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def check_parity(net: nn.Module, card: ModelCard, folder: Path, exact: Outputs) -> None:
    """Run both forms on the same pictures, on which the net before it was rounded answered `exact`.

    Raises ModelError where a score, probability or offset differs by too much.
    """
    pictures = sample_pictures(card.input_size)
    ours, theirs = TorchRuntime(net, card, "cpu")(pictures), OpenVinoRuntime(card, folder, precision="f32")(pictures)
    _check(card, "torch and OpenVINO", ours, theirs, (TOLERANCE, OFFSET_TOLERANCE))
    _check(card, "half and single precision", ours, exact, (ROUNDING, OFFSET_ROUNDING))


def _check(card: ModelCard, what: str, ours: Outputs, theirs: Outputs, tolerances: tuple[float, float]) -> None:
    probabilities = softmax if card.task == "classifier" else sigmoid
    for place, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        tolerance = tolerances[bool(place)]
        apart = np.abs(a - b) if place else np.abs(probabilities(a) - probabilities(b))  # what people see of logits
        difference = float(apart.max())
        if not difference <= tolerance:  # also where it is not a number
            raise ModelError(f"{card.name}: {what} differ by {difference:.4f}, more than {tolerance}")


def sample_pictures(side: int) -> Batch:
    """Noise, a ramp, a portrait and its face (6, side, side, 3): what the two forms of a net are compared on."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (6, side, side, 3), np.uint8)
    pictures[1] = np.linspace(0, 255, side, dtype=np.uint8)[None, :, None]
    portrait = np.ascontiguousarray(astronaut(), np.uint8)
    for place, box in ((2, (0, 0, 512, 512)), (3, (165, 60, 285, 210)), (4, (130, 20, 320, 240))):
        square_crop(portrait, np.array(box, np.float32), side, 0.0, out=pictures[place])
    pictures[5] = pictures[3][:, ::-1]
    return pictures


@torch.no_grad()
def fold_normalisations(net: nn.Module) -> None:
    """Give each convolution the scale of the normalisation after it, and leave that only its shift; `net` computes the same.

    Without, a weight is rounded before the scale in torch's form of a model and after it in the folded one, and the two differ.
    """
    layers = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    for convolution, norm in pairwise(layers):
        if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d) or convolution.bias is not None:
            continue
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            continue
        scale = norm.weight * (variance + norm.eps).rsqrt()
        convolution.weight.mul_(scale.view(-1, 1, 1, 1))
        norm.bias.sub_(mean * scale)
        norm.weight.fill_(1)
        mean.zero_()
        variance.fill_(1 - norm.eps)
