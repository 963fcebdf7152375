"""OpenCV's face detector in Caffe's form, written from the weights of its TensorFlow form.

The published .caffemodel files are not among the shared ones. These have their layers, names and fields, and the numbers of the
.pb, so that both forms have to become the same net.
"""

from pathlib import Path

import numpy as np

from ferstream.training.opencv_ssd.caffe import EPSILON, NetParameter
from ferstream.training.opencv_ssd.layers import OpenCvSsdFile
from ferstream.training.opencv_ssd.weights import AFFINES, CONVOLUTIONS, FEATURE_MAPS

#: Statistics of every batch normalisation: mean and variance are kept times the count.
MEAN, VARIANCE, COUNT = 0.25, 4 - EPSILON, 999.982
PRIORS = {
    "conv4_3_norm": (30, 60, (2,), 8),
    "fc7": (60, 111, (2, 3), 16),
    "conv6_2": (111, 162, (2, 3), 32),
    "conv7_2": (162, 213, (2, 3), 64),
    "conv8_2": (213, 264, (2,), 100),
    "conv9_2": (264, 315, (2,), 300),
}


def write_caffe(folder: Path, source: OpenCvSsdFile, *, half: bool) -> tuple[Path, Path]:
    """A .caffemodel and its .prototxt with the weights of `source`; returns their paths."""
    weights, description = folder / f"half{half}.caffemodel", folder / "deploy.prototxt"
    weights.write_bytes(net_parameter(source, half=half).SerializeToString())
    description.write_text(prototxt())
    return weights, description


def net_parameter(source: OpenCvSsdFile, *, half: bool):
    net = NetParameter()

    def add(name, kind, *arrays):
        layer = net.layer.add(name=name, type=kind)
        for array in arrays:
            blob = layer.blobs.add()
            blob.shape.dim.extend(array.shape)
            if half:
                blob.raw_data_type, blob.raw_data = 2, array.astype("<f2").tobytes()
            else:
                blob.data.extend(array.ravel().tolist())

    convolutions = [name for name, *_ in CONVOLUTIONS.values()]
    for name in [*convolutions, *(f"{name}_mbox_{part}" for name in FEATURE_MAPS for part in ("loc", "conf"))]:
        weight, bias = source.convolution(name)
        add(name, "Convolution", weight, *([bias] if bias.any() else []))
    for norm, scale in [*AFFINES.values(), *(folded for _, *folded in CONVOLUTIONS.values() if folded)]:
        factor, shift = source.affine(norm, scale)
        ones = np.ones_like(factor)
        add(norm, "BatchNorm", ones * MEAN * COUNT, ones * VARIANCE * COUNT, np.array([COUNT]))
        add(scale, "Scale", factor * 2, shift + factor * MEAN)
    add("conv4_3_norm", "Normalize", source.channel_scale("conv4_3_norm"))
    return net


def prototxt(padding: int = 1) -> str:
    """What of the published deploy.prototxt matters, and some of what does not."""
    norms = [norm for norm, _ in AFFINES.values()] + [folded[0] for _, *folded in CONVOLUTIONS.values() if folded]
    parts = ['input: "data"\ninput_shape {\n  dim: 1\n  dim: 3\n  dim: 300\n  dim: 300\n}\n']
    parts += [f'layer {{\n  name: "{name}"\n  type: "BatchNorm"\n  param {{\n    lr_mult: 0.0\n  }}\n}}\n' for name in norms]
    for name in ("conv8_2_h", "conv9_2_h"):
        parts.append(
            f'layer {{\n  name: "{name}"\n  convolution_param {{\n    num_output: 128 # 84\n    pad: {padding}\n  }}\n}}\n'
        )
    for name, (low, high, ratios, step) in PRIORS.items():
        ratio = " ".join(f"aspect_ratio: {ratio}" for ratio in ratios)
        variance = "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
        box = f"min_size: {low} max_size: {high} {ratio} flip: true clip: false {variance} step: {step} offset: 0.5"
        parts.append(f'layer {{\n  name: "{name}_mbox_priorbox"\n  type: "PriorBox"\n  prior_box_param {{ {box} }}\n}}\n')
    nms = "nms_param { nms_threshold: 0.45 top_k: 400 } code_type: CENTER_SIZE keep_top_k: 200 clip: 1"
    return "".join(
        [*parts, f'layer {{\n  name: "detection_out"\n  include {{ phase: TEST }}\n  detection_output_param {{ {nms} }}\n}}\n']
    )
