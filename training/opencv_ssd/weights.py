"""Maps the layers of OpenCV's face detector to the names of our net."""

import numpy as np
import torch
from torch import Tensor, nn

from ferstream.training.opencv_ssd.layers import Float, OpenCvSsdFile, other_net
from ferstream.workers.models.card import ModelError
from ferstream.workers.models.nets.anchors import Priors
from ferstream.workers.models.nets.opencv_ssd import OUTPUTS

FEATURE_MAPS = ("conv4_3_norm", "fc7", "conv6_2", "conv7_2", "conv8_2", "conv9_2")
#: Rows of the first four maps, and the convolutions that say whether the last two shrink.
ROWS = (38, 19, 10, 5)
LAST_MAPS = ("conv8_2_h", "conv9_2_h")

#: The published names behind a module of the net: a convolution, and where the two layers after it are folded into it, those.
CONVOLUTIONS = {
    "stem.0": ("conv1_h", "conv1_bn_h", "conv1_scale_h"),
    "first.0": ("layer_64_1_conv1_h", "layer_64_1_bn2_h", "layer_64_1_scale2_h"),
    "first.2": ("layer_64_1_conv2_h",),
    "blocks.0.branch.0": ("layer_128_1_conv1_h", "layer_128_1_bn2", "layer_128_1_scale2"),
    "blocks.0.branch.2": ("layer_128_1_conv2",),
    "blocks.0.expand": ("layer_128_1_conv_expand_h",),
    "blocks.1.branch.0": ("layer_256_1_conv1", "layer_256_1_bn2", "layer_256_1_scale2"),
    "blocks.1.branch.2": ("layer_256_1_conv2",),
    "blocks.1.expand": ("layer_256_1_conv_expand",),
    "blocks.2.branch.0": ("layer_512_1_conv1_h", "layer_512_1_bn2_h", "layer_512_1_scale2_h"),
    "blocks.2.branch.2": ("layer_512_1_conv2_h",),
    "blocks.2.expand": ("layer_512_1_conv_expand_h",),
    **{f"extras.{place}.{2 * half}": (f"conv{place + 6}_{half + 1}_h",) for place in range(4) for half in range(2)},
}
AFFINES = {
    "data": ("data_bn", "data_scale"),
    "blocks.0.before": ("layer_128_1_bn1_h", "layer_128_1_scale1_h"),
    "blocks.1.before": ("layer_256_1_bn1", "layer_256_1_scale1"),
    "blocks.2.before": ("layer_512_1_bn1", "layer_512_1_scale1"),
    "last": ("last_bn_h", "last_scale_h"),
}


def published_levels(published: OpenCvSsdFile) -> Priors:
    """The prior boxes of the six maps."""
    rows = list(ROWS)
    for name in LAST_MAPS:
        padding = published.padding(name)
        if padding not in {0, 1}:
            raise other_net(published.path, f"a layer {name} padded by 0 or 1 (its own by {padding})")
        rows.append(rows[-1] - 2 + 2 * padding)
    priors = [published.prior_box(place, name) for place, name in enumerate(FEATURE_MAPS)]
    return tuple((prior.step, prior.shapes(), cells) for prior, cells in zip(priors, rows, strict=True))


def published_state(published: OpenCvSsdFile, net: nn.Module) -> dict[str, Tensor]:
    """The weights under the names that `net` has for them.

    Raises ModelError where one is missing, has another shape, or is not a number.
    """
    state = net.state_dict()
    try:
        with np.errstate(all="ignore"):  # numbers that are none are found below
            arrays = _affines(published) | _convolutions(published, state) | _heads(published, state)
    except ValueError as error:
        raise other_net(published.path, f"layers that fit each other ({error})") from error
    for key, array in arrays.items():
        if array.size != state[key].numel():
            raise other_net(published.path, f"{key} of the shape {tuple(state[key].shape)}")
        if not np.isfinite(array).all():
            raise ModelError(f"{published.path}: {key} is not a number everywhere: get the file again")
    return {key: torch.from_numpy(np.ascontiguousarray(array, np.float32)).view_as(state[key]) for key, array in arrays.items()}


def _affines(published: OpenCvSsdFile) -> dict[str, Float]:
    arrays = {"unit_length.scale": published.channel_scale(FEATURE_MAPS[0])}
    for module, (norm, scale) in AFFINES.items():
        arrays[f"{module}.scale"], arrays[f"{module}.shift"] = published.affine(norm, scale)
    return arrays


def _convolutions(published: OpenCvSsdFile, state: dict[str, Tensor]) -> dict[str, Float]:
    arrays = {}
    for module, (name, *folded) in CONVOLUTIONS.items():
        weight, bias = published.convolution(name)
        _check_shape(published, name, weight, tuple(state[f"{module}.weight"].shape))
        if folded:
            scale, shift = published.affine(folded[0], folded[1])
            weight, bias = weight * scale.reshape(-1, 1, 1, 1), bias * scale + shift
        arrays[f"{module}.weight"] = weight
        if f"{module}.bias" in state:
            arrays[f"{module}.bias"] = bias
    return arrays


def _heads(published: OpenCvSsdFile, state: dict[str, Tensor]) -> dict[str, Float]:
    """The convolutions that answer, for each prior box, with one logit and four offsets."""
    arrays = {}
    for place, name in enumerate(FEATURE_MAPS):
        outputs, channels = state[f"heads.{place}.weight"].shape[:2]
        priors = outputs // OUTPUTS
        conf, loc = (published.convolution(f"{name}_mbox_{part}") for part in ("conf", "loc"))
        _check_shape(published, f"{name}_mbox_conf", conf[0], (2 * priors, channels, 3, 3))
        _check_shape(published, f"{name}_mbox_loc", loc[0], (4 * priors, channels, 3, 3))
        for kind, scores, offsets in (("weight", conf[0], loc[0]), ("bias", conf[1], loc[1])):
            pairs = scores.reshape(priors, 2, *scores.shape[1:])  # background, face
            parts = [pairs[:, 1:] - pairs[:, :1], offsets.reshape(priors, 4, *offsets.shape[1:])]
            arrays[f"heads.{place}.{kind}"] = np.concatenate(parts, axis=1).reshape(outputs, *offsets.shape[1:])
    return arrays


def _check_shape(published: OpenCvSsdFile, name: str, array: Float, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise other_net(published.path, f"a layer {name} of the shape {expected} (its own is {array.shape})")
