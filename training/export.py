"""Packaging a trained net: safetensors for torch, ONNX for OpenVINO, and the card that names and describes both."""

import hashlib
import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save
from torch import nn

from workers.models.card import ONNX, SAFETENSORS, ModelCard, ModelError
from workers.models.openvino_runtime import OpenVinoRuntime
from workers.models.runtime import Outputs
from workers.models.torch_runtime import TorchRuntime, build_net

#: Largest difference of any score or probability between torch and OpenVINO, both in float32 on the same float16 weights.
TOLERANCE = 2e-3


def package(net: nn.Module, card: ModelCard, folder: Path) -> ModelCard:
    """Write `folder` with float16 weights in both forms and the card with their digests; returns that card.

    Raises ModelError where both runtimes do not agree on the same pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.half() if value.is_floating_point() else value for key, value in net.state_dict().items()}
    rounded = build_net(card)
    rounded.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state.items()})
    files = {
        SAFETENSORS: save({key: value.contiguous().cpu() for key, value in state.items()}),
        ONNX: onnx_bytes(rounded.eval(), card),
    }
    card = replace(card, sha256={name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    for name, data in files.items():
        part = folder / f"{name}.part"
        part.write_bytes(data)
        part.replace(folder / name)
    card.write(folder)
    check_parity(rounded, card, folder)
    return card


def onnx_bytes(net: nn.Module, card: ModelCard) -> bytes:
    """The net as ONNX: float16 weights, float32 arithmetic, any batch size, and any picture size for a detector."""
    side = card.input_size
    names = ["scores", "offsets"] if card.task == "detector" else ["logits"]
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
            (torch.zeros(2, 3, side, side),),
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


def check_parity(net: nn.Module, card: ModelCard, folder: Path) -> None:
    """Run both forms on the same pictures. Raises ModelError where a score or probability differs by more than the tolerance."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (4, card.input_size, card.input_size, 3), np.uint8)
    pictures[2:] = np.linspace(0, 255, card.input_size, dtype=np.uint8)[None, :, None, None]
    ours = _comparable(TorchRuntime(net, card, "cpu")(pictures), card)
    theirs = _comparable(OpenVinoRuntime(card, folder, precision="f32")(pictures), card)
    difference = float(np.abs(ours - theirs).max())
    if difference > TOLERANCE:
        raise ModelError(f"{folder}: torch and OpenVINO differ by {difference:.4f}, more than {TOLERANCE}")


def _comparable(outputs: Outputs, card: ModelCard) -> np.ndarray:
    if card.task == "detector":
        return outputs[0]
    return torch.from_numpy(outputs[0]).softmax(1).numpy()
