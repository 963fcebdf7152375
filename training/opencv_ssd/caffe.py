"""OpenCV's face detector in Caffe's form: res10_300x300_ssd_iter_140000.caffemodel, or its _fp16 form, and deploy.prototxt."""

from pathlib import Path
from typing import Any

import numpy as np

from ferstream.training.opencv_ssd.layers import Float, PriorBox, check_prior_box, other_net, with_flips
from ferstream.training.opencv_ssd.protobuf import message_class, read_binary, read_text
from ferstream.workers.models.card import ModelError

#: The fields that are read, from modules/dnn/src/caffe/opencv-caffe.proto in OpenCV's repository.
NetParameter = message_class(
    "NetParameter",
    {
        "NetParameter": {"layer": (100, "LayerParameter*")},
        "LayerParameter": {
            "name": (1, "string"),
            "type": (2, "string"),
            "blobs": (7, "BlobProto*"),
            "convolution_param": (106, "ConvolutionParameter"),
            "batch_norm_param": (139, "BatchNormParameter"),
            "detection_output_param": (147, "DetectionOutputParameter"),
            "prior_box_param": (150, "PriorBoxParameter"),
        },
        "BlobProto": {
            "num": (1, "int"),
            "channels": (2, "int"),
            "height": (3, "int"),
            "width": (4, "int"),
            "data": (5, "float*"),
            "shape": (7, "BlobShape"),
            "raw_data_type": (10, "Type"),
            "raw_data": (12, "bytes"),
        },
        "BlobShape": {"dim": (1, "int*")},
        "ConvolutionParameter": {"pad": (3, "int*")},
        "BatchNormParameter": {"eps": (3, "float")},
        "DetectionOutputParameter": {"nms_param": (4, "NonMaximumSuppressionParameter")},
        "NonMaximumSuppressionParameter": {"nms_threshold": (1, "float")},
        "PriorBoxParameter": {
            "min_size": (1, "float"),
            "max_size": (2, "float"),
            "aspect_ratio": (3, "float*"),
            "flip": (4, "bool"),
            "clip": (5, "bool"),
            "variance": (6, "float*"),
            "step": (10, "float"),
            "offset": (13, "float"),
        },
    },
    {"Type": {"DOUBLE": 0, "FLOAT": 1, "FLOAT16": 2}},
    "proto2",
)
RAW_DTYPES = {1: "<f4", 2: "<f2"}
#: What a layer has whose description does not say.
EPSILON = 1e-5
DEFAULT_IOU_THRESHOLD = 0.3


class CaffeSsd:
    """The layers of a .prototxt with the blobs of a .caffemodel, in single or half precision.

    Raises ModelError where a file is not of its format.
    """

    def __init__(self, path: Path, data: bytes, net_path: Path, net_text: str) -> None:
        self.path, self._net_path = path, net_path
        self._blobs = {layer.name: layer.blobs for layer in read_binary(NetParameter, path, data).layer if layer.blobs}
        self._layers = {layer.name: layer for layer in read_text(NetParameter, net_path, net_text).layer}
        if not self._blobs:
            raise ModelError(
                f"{path} holds no Caffe layers, but {net_path} describes some: use the .caffemodel that came with it"
            )

    def convolution(self, name: str) -> tuple[Float, Float]:
        weight = self._blob(name, 0)
        return weight, self._blob(name, 1).ravel() if len(self._blobs[name]) > 1 else np.zeros(len(weight), np.float32)

    def padding(self, name: str) -> int:
        pads = self._layer(name).convolution_param.pad
        return int(pads[0]) if pads else 0

    def affine(self, norm: str, scale: str) -> tuple[Float, Float]:
        # Mean and variance are sums, the third blob is what they are to be divided by.
        mean, variance, count = (self._blob(norm, place).ravel() for place in (0, 1, 2))
        factor, shift = self._blob(scale, 0).ravel(), self._blob(scale, 1).ravel()
        if not count.all():
            raise ModelError(f"{self.path}: the layer {norm} was never trained: its statistics are over nothing")
        epsilon = np.float32(self._layer(norm).batch_norm_param.eps or EPSILON)
        slope: Float = factor / np.sqrt(variance / count + epsilon)
        return slope, shift - slope * mean / count

    def channel_scale(self, name: str) -> Float:
        return self._blob(name, 0).ravel()

    def prior_box(self, _place: int, feature_map: str) -> PriorBox:
        values = self._layer(f"{feature_map}_mbox_priorbox").prior_box_param
        check_prior_box(
            self._net_path,
            clip=values.clip or not values.HasField("clip"),
            offset=values.offset if values.HasField("offset") else 0.5,
            variances=list(values.variance),
            sides=[values.min_size, values.max_size, values.step, *values.aspect_ratio],
        )
        ratios = with_flips(list(values.aspect_ratio), flip=values.flip or not values.HasField("flip"))
        return PriorBox(values.min_size, values.max_size, ratios, values.step)

    def iou_threshold(self) -> float:
        threshold = self._layer("detection_out").detection_output_param.nms_param.nms_threshold
        return round(float(threshold or DEFAULT_IOU_THRESHOLD), 6)

    def _layer(self, name: str) -> Any:  # noqa: ANN401 - a message
        if name not in self._layers:
            raise other_net(self._net_path, f"the layer {name}")
        return self._layers[name]

    def _blob(self, name: str, place: int) -> Float:
        if place >= len(self._blobs.get(name, ())):
            raise other_net(self.path, f"blob {place} of the layer {name}")
        blob = self._blobs[name][place]
        shape = list(blob.shape.dim) or [blob.num, blob.channels, blob.height, blob.width]
        try:
            if blob.data:
                return np.array(blob.data, np.float32).reshape(shape)
            return np.frombuffer(blob.raw_data, RAW_DTYPES[blob.raw_data_type]).reshape(shape).astype(np.float32)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"{self.path}: blob {place} of the layer {name} does not fill its shape {shape}: get the file again"
            ) from error
