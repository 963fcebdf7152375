"""Nets to fine-tune: with ImageNet weights of timm's cache, its hub or a file, and with a head for eight emotions."""

import sys
import warnings
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.messages import first_line
from ferstream.training.study.records.config import Config
from ferstream.workers.models.nets.hybrid_vit import HYBRID, build_classifier

State = dict[str, Tensor]

#: Batches that a normalisation has seen; old files lack it.
COUNTER = "num_batches_tracked"


class WeightsError(FerstreamError):
    """Pretrained weights cannot be had, cannot be read, or are of another net; or there is no such net."""


def first_net(config: Config, *, begun: bool = False) -> nn.Module:
    """The net that a run begins with; where it has `begun`, a checkpoint has its weights. Raises WeightsError.

    Where the net is shallower than the one that was pretrained, it takes the blocks that it has; only the head is always new.
    """
    try:
        net = build_classifier(config.model, len(EMOTIONS), **config.model_options)
    except (RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"cannot build {config.model}: {first_line(error)}") from error
    if config.weights and not begun:
        _take(net, _renamed(net, _read(Path(config.weights))), config)
    elif config.pretrained and not begun:
        _take(net, _renamed(net, _from_timm(config)), config)
    _try(net, config)
    return net


@torch.no_grad()
def _try(net: nn.Module, config: Config) -> None:
    """Ask the net about one picture of the config's size."""
    side = config.input_size
    try:
        answer = net.eval()(torch.zeros(1, 3, side, side))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{config.model} takes no pictures of {side} px as it is: {first_line(error)}. "
            f"Transformers take --set 'model_options={{img_size: {side}}}'"
        ) from error
    if answer.shape != (1, len(EMOTIONS)):
        raise WeightsError(f"{config.model} does not answer with one number an emotion")


def _renamed(net: nn.Module, state: State) -> State:
    """The state by the names and sizes of `net`: timm knows the older names, and other sizes of pictures."""
    rename = getattr(sys.modules[type(net).__module__], "checkpoint_filter_fn", None)
    try:
        renamed: State = rename(state, net) if rename else state
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(f"the weights are of another net than {type(net).__name__}: {first_line(error)}") from error
    return renamed


def _from_timm(config: Config) -> State:
    if config.model == HYBRID:
        raise WeightsError(f"nobody pretrained {HYBRID}: train it from random weights with --no-pretrained")
    try:
        whole = timm.create_model(config.model, pretrained=True, num_classes=len(EMOTIONS))
    except Exception as error:
        # The hub's client raises errors of several libraries, and without the weights there is nothing else to do.
        raise WeightsError(
            f"no ImageNet weights of {config.model} in timm's cache or its hub ({first_line(error)}). "
            f"Bring a file (--pretrained FILE, .safetensors or .pth), or train from random weights with --no-pretrained"
        ) from error
    state: State = whole.state_dict()
    return state


def _take(net: nn.Module, state: State, config: Config) -> None:
    head = set(_head_of(net))
    own = net.state_dict()
    state = {key: value for key, value in own.items() if key.endswith(COUNTER)} | state
    missing = [key for key, value in own.items() if key not in state or state[key].shape != value.shape]
    if strange := set(missing) - head:
        raise WeightsError(f"the weights lack {', '.join(sorted(strange)[:3])} of {config.model}: they are of another net")
    net.load_state_dict({key: own[key] if key in head else state[key] for key in own})


def _head_of(net: nn.Module) -> list[str]:
    classifier: Any = net.get_classifier()  # type: ignore[operator]
    return [f"{name}.{key}" for name, module in net.named_modules() if module is classifier for key in classifier.state_dict()]


def _read(path: Path) -> State:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of pickles by others, before it refuses what is no tensor in them
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"there are no weights {path}") from error
    except Exception as error:
        # Broken files make the readers raise whatever they stumble over.
        raise WeightsError(f"cannot read the weights {path}: {first_line(error)}") from error
    for inner in ("state_dict", "model"):
        state = state.get(inner, state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds no weights")
    return state
