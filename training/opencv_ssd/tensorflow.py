"""OpenCV's face detector in TensorFlow's form: opencv_face_detector_uint8.pb and opencv_face_detector.pbtxt."""

from pathlib import Path
from typing import Any

import numpy as np

from ferstream.training.opencv_ssd.layers import Float, PriorBox, check_prior_box, other_net, with_flips
from ferstream.training.opencv_ssd.protobuf import message_class, read_binary, read_text
from ferstream.workers.models.card import ModelError

#: The fields that are read, from tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape,types}.proto.
GraphDef = message_class(
    "GraphDef",
    {
        "GraphDef": {"node": (1, "NodeDef*")},
        "NodeDef": {"name": (1, "string"), "op": (2, "string"), "input": (3, "string*"), "attr": (5, "Attr*")},
        "Attr": {"key": (1, "string"), "value": (2, "AttrValue")},
        "AttrValue": {"s": (2, "bytes"), "i": (3, "int"), "f": (4, "float"), "b": (5, "bool"), "tensor": (8, "TensorProto")},
        "TensorProto": {
            "dtype": (1, "DataType"),
            "tensor_shape": (2, "TensorShape"),
            "tensor_content": (4, "bytes"),
            "float_val": (5, "float*"),
        },
        "TensorShape": {"dim": (2, "Dim*")},
        "Dim": {"size": (1, "int")},
    },
    {"DataType": {"DT_INVALID": 0, "DT_FLOAT": 1, "DT_INT32": 3, "DT_QUINT8": 12, "DT_HALF": 19}},
    "proto3",
)
DTYPES = {1: "<f4", 12: "u1", 19: "<f2"}


class TensorFlowSsd:
    """The graph of a .pbtxt with the constants of a .pb, whose weights are bytes or floating-point numbers.

    Raises ModelError where a file is not of its format.
    """

    def __init__(self, path: Path, data: bytes, graph_path: Path, graph_text: str) -> None:
        self.path, self._graph_path = path, graph_path
        self._constants = {node.name: node for node in read_binary(GraphDef, path, data).node}
        self._nodes = {node.name: node for node in read_text(GraphDef, graph_path, graph_text).node}
        if not self._constants:
            raise ModelError(f"{path} is no TensorFlow graph, but {graph_path} describes one: use the .pb that came with it")

    def convolution(self, name: str) -> tuple[Float, Float]:
        weight = self._input(self._convolution(name), 1)
        if weight.ndim != 4:
            raise ModelError(f"{self.path}: the weight of {name} has the shape {weight.shape}, not four sides")
        bias = self._nodes.get(f"{name}/BiasAdd")
        zeros = np.zeros(weight.shape[3], np.float32)
        return weight.transpose(3, 2, 0, 1), zeros if bias is None else self._input(bias, 1)

    def padding(self, name: str) -> int:
        node = self._convolution(name)
        before = self._node(node.input[0].partition(":")[0]) if node.input else node
        return int(self._attribute(node, "padding").s == b"SAME" or before.op in {"Pad", "SpaceToBatchND"})

    def affine(self, norm: str, scale: str) -> tuple[Float, Float]:
        node = self._node(f"{norm}/FusedBatchNorm")
        factor, shift = self._input(self._node(f"{scale}/Mul"), 1), self._input(self._node(f"{scale}/BiasAdd"), 1)
        if node.op == "BiasAdd":  # the other half of the normalisation is in the weights of the convolution before it
            return factor, factor * self._input(node, 1) + shift
        gamma, beta, mean, variance = (self._input(node, place) for place in (1, 2, 3, 4))
        slope: Float = gamma / np.sqrt(variance + np.float32(self._attribute(node, "epsilon").f))
        return factor * slope, factor * (beta - mean * slope) + shift

    def channel_scale(self, name: str) -> Float:
        return self._input(self._node(f"{name}/mul_1"), 1)

    def prior_box(self, place: int, _feature_map: str) -> PriorBox:
        node = self._node(f"PriorBox_{place}")
        low, high, step = (self._attribute(node, side) for side in ("min_size", "max_size", "step"))
        sides = [float(value.i or value.f) for value in (low, high, step)]
        ratios = list(self._attribute(node, "aspect_ratio").tensor.float_val)
        check_prior_box(
            self._graph_path,
            clip=self._attribute(node, "clip").b,
            offset=self._attribute(node, "offset").f,
            variances=list(self._attribute(node, "variance").tensor.float_val),
            sides=sides + ratios,
        )
        return PriorBox(sides[0], sides[1], with_flips(ratios, flip=self._attribute(node, "flip").b), sides[2])

    def iou_threshold(self) -> float:
        return round(float(self._attribute(self._node("detection_out"), "nms_threshold").f), 6)

    def _convolution(self, name: str) -> Any:  # noqa: ANN401 - a message
        return self._nodes.get(f"{name}/convolution") or self._node(f"{name}/Conv2D")

    def _node(self, name: str) -> Any:  # noqa: ANN401
        if name not in self._nodes:
            raise other_net(self._graph_path, f"the node {name}")
        return self._nodes[name]

    def _attribute(self, node: Any, name: str) -> Any:  # noqa: ANN401
        for attribute in node.attr:
            if attribute.key == name:
                return attribute.value
        raise other_net(self._graph_path, f"{name} of the node {node.name}")

    def _input(self, node: Any, place: int) -> Float:  # noqa: ANN401
        if place >= len(node.input):
            raise other_net(self._graph_path, f"input {place} of the node {node.name}")
        name = node.input[place].partition(":")[0]
        constant = self._constants.get(name)
        if constant is None:
            raise other_net(self.path, f"the constant {name}")
        return self._value(constant)

    def _value(self, constant: Any) -> Float:  # noqa: ANN401
        if constant.op == "Cast":
            return self._input(constant, 0)
        if constant.op != "Dequantize":
            return self._tensor(constant)
        numbers, low, high = (self._input(constant, place) for place in (0, 1, 2))
        if low.size != 1 or high.size != 1:
            raise other_net(self.path, f"one least and one largest value of {constant.name}")
        step = (high - low) / np.float32(255)
        # As MIN_FIRST of TensorFlow and OpenCV do, so that zero lies on a step exactly.
        return np.asarray(numbers * step + (step * np.rint(low / step) if step else low), np.float32)

    def _tensor(self, constant: Any) -> Float:  # noqa: ANN401
        tensor = self._attribute(constant, "value").tensor
        dtype, shape = DTYPES.get(tensor.dtype), [dim.size for dim in tensor.tensor_shape.dim]
        if dtype is None:
            raise ModelError(f"{self.path}: {constant.name} holds no bytes, half or single floats: use the published file")
        try:
            if tensor.float_val:
                return np.array(tensor.float_val, np.float32).reshape(shape)
            return np.frombuffer(tensor.tensor_content, dtype).reshape(shape).astype(np.float32)
        except ValueError as error:
            raise ModelError(f"{self.path}: {constant.name} does not fill its shape {shape}: get the file again") from error
