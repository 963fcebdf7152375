"""The settings of a run of the study, its presets, and configuration files in YAML."""

import difflib
import sys
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import msgspec
import yaml

from ferstream.streams.errors import FerstreamError
from ferstream.training.common.json_file import Share, write_bytes

Optimiser = Literal["sgd", "adamw"]
Schedule = Literal["fixed", "step", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]

#: The largest number that is one: nan and infinities are refused by it.
_MOST = sys.float_info.max
Whole = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=_MOST)]
BelowOne = Annotated[float, msgspec.Meta(ge=0, le=0.999999)]
Finite = Annotated[float, msgspec.Meta(ge=-_MOST, le=_MOST)]
AboveZero = Annotated[float, msgspec.Meta(gt=0, le=_MOST)]


class ConfigError(FerstreamError):
    """A configuration cannot be read, or has a key or value that means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one run. With the same dataset, libraries and kind of processor they give the same weights.

    `model` is a name of timm's, or `hybrid_vit`. A batch is what one step of the optimiser sees; it is computed in `accumulate`
    parts, and shared by all processes.
    """

    name: str = "run"
    model: str = "vit_base_patch16_224"
    model_options: dict[str, Any] = field(default_factory=dict)
    pretrained: bool = True
    weights: str | None = None  # a file of ImageNet weights for `model`, instead of timm's cache or hub
    input_size: Annotated[int, msgspec.Meta(ge=8, le=2048)] = 224
    mean: tuple[Finite, Finite, Finite] = (0.5, 0.5, 0.5)
    std: tuple[AboveZero, AboveZero, AboveZero] = (0.5, 0.5, 0.5)
    epochs: AtLeastOne = 25
    batch_size: AtLeastOne = 60
    accumulate: AtLeastOne = 1
    optimiser: Optimiser = "sgd"
    sam_rho: Amount = 0.0  # sharpness-aware minimisation with this radius; 0 goes without
    learning_rate: Amount = 1e-3
    schedule: Schedule = "fixed"
    step_epochs: AtLeastOne = 10  # step: the rate is multiplied by `step_factor` every so many epochs
    step_factor: Share = 0.1
    warm_up_epochs: Amount = 0.0
    momentum: Annotated[float, msgspec.Meta(ge=0, le=0.9999)] = 0.9
    weight_decay: Amount = 0.0
    clip: Amount = 1.0  # largest norm of the gradient; 0 leaves it
    label_smoothing: Annotated[float, msgspec.Meta(ge=0, le=0.9999)] = 0.0
    class_weights: bool = False  # rare emotions weigh as much as frequent ones
    soft_labels: bool = False  # votes instead of one emotion, where the dataset has them
    ema_decay: BelowOne = 0.0  # the moving average is what is validated and kept; 0 goes without
    precision: Precision = "auto"  # bfloat16 on a GPU that has it, else float32
    compile: bool = False
    crop_least: Annotated[float, msgspec.Meta(ge=0.01, le=1)] = 0.8  # random resized crop: least share of the picture's area
    flip: bool = True
    per_class: Whole = 0  # samples of each emotion an epoch, augmented as `dataset augment` does, nothing written; 0: as they are
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    checkpoint_every: AtLeastOne = 500  # steps between checkpoints; one is also made after each epoch and on SIGTERM

    def __post_init__(self) -> None:
        if wrong := self._wrong():
            raise ConfigError(f"these settings mean nothing: {', '.join(wrong)}")

    def _wrong(self) -> list[str]:
        """What is said of each setting that is not of its kind; of how they fit together only where there is none."""
        values = [(f.name, getattr(self, f.name), f.type) for f in fields(self)]
        wrong = [f"{name} {value!r} ({_meaning(kind)})" for name, value, kind in values if not _is_of(value, kind)]
        if not wrong and self.batch_size % self.accumulate:
            wrong.append(f"accumulate {self.accumulate} (a batch of {self.batch_size} does not divide by it)")
        return wrong

    @classmethod
    def read(cls, path: Path) -> Self:
        """The settings in a YAML file: a `preset` to begin with, if it names one, and what it changes. Raises ConfigError."""
        try:
            raw = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no UTF-8, or a day that no month has
            raise ConfigError(f"cannot read {path}: {error}") from error
        if not isinstance(raw, dict):
            raise ConfigError(f"{path} is no configuration: it holds no settings")
        preset = raw.pop("preset", None)
        try:
            return cls.preset(preset).changed(raw) if preset is not None else cls().changed(raw)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    @classmethod
    def preset(cls, name: object) -> Self:
        """The settings of one of PRESETS. Raises ConfigError, which names the nearest known preset."""
        if not isinstance(name, str) or name not in PRESETS:
            raise ConfigError(f"there is no preset {name!r}{_nearest(str(name), PRESETS)}")
        return cls(name=name, **PRESETS[name])

    def changed(self, settings: dict[str, Any]) -> Self:
        """A copy with some settings changed. Raises ConfigError, which names the nearest known setting."""
        known = {f.name: f.type for f in fields(self)}
        if unknown := [key for key in settings if key not in known]:
            raise ConfigError("; ".join(f"there is no setting {key!r}{_nearest(str(key), known)}" for key in unknown))
        values: dict[str, Any] = {key: _as(known[key], value) for key, value in settings.items()}
        return replace(self, **values)

    def write(self, path: Path) -> None:
        """Write every setting as YAML, so that `read` of the file gives the same run."""
        settings = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        write_bytes(path, yaml.safe_dump(settings, sort_keys=False).encode())


_VIT_B: dict[str, Any] = {"model": "vit_base_patch16_224", "per_class": 20_000}
#: The study's runs (its section 6.3), and two hybrids: 25 epochs, batch 60, 20,000 samples of each emotion (5.2), mean and
#: standard deviation 0.5, rates that fall to a tenth every ten epochs. The study does not say with which rate SAM and ResNet-18
#: begin (here the one of SG), the radius of SAM (here that of Foret et al. 2021), and the least share of a crop. Its transformers
#: are plain ViT-B/16; the eleven blocks over a hybrid embedding that section 6.2 describes are `hybrid-b`.
PRESETS: dict[str, dict[str, Any]] = {
    "vit-b16-s": _VIT_B | {"learning_rate": 1e-3},
    "vit-b16-sg": _VIT_B | {"learning_rate": 1e-2, "schedule": "step"},
    "vit-b16-sam": _VIT_B | {"learning_rate": 1e-2, "schedule": "step", "sam_rho": 0.05},
    "resnet18": {"model": "resnet18", "learning_rate": 1e-2, "schedule": "step", "per_class": 20_000},
    "hybrid-tiny": {
        "model": "vit_tiny_r_s16_p8_224", "optimiser": "adamw", "learning_rate": 3e-4, "schedule": "cosine",
        "warm_up_epochs": 1.0, "weight_decay": 0.05, "label_smoothing": 0.1, "ema_decay": 0.999, "per_class": 20_000,
    },
    "hybrid-b": {
        "model": "vit_base_r50_s16_224", "model_options": {"depth": 11}, "learning_rate": 1e-2, "schedule": "step",
        "sam_rho": 0.05, "per_class": 20_000,
    },
}  # fmt: skip


def _as(kind: Any, value: Any) -> Any:  # noqa: ANN401 - a type, and what YAML has
    """Convert a value of YAML to the type of its setting; one that does not fit comes back as it is.

    Lists become tuples, and a text the number that a setting is to be: YAML 1.1 reads 1e-3 as a text.
    """
    number = isinstance(msgspec.inspect.type_info(kind), msgspec.inspect.IntType | msgspec.inspect.FloatType)
    try:
        return msgspec.convert(value, kind, strict=not (number and isinstance(value, str)))
    except msgspec.ValidationError:  # said with the other values that mean nothing
        return value


def _is_of(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:  # what is wrong is said in the words of `_meaning`
        return False
    return True


def _meaning(kind: Any) -> str:  # noqa: ANN401 - a type
    """What a setting may be, in words."""
    match msgspec.inspect.type_info(kind):
        case msgspec.inspect.LiteralType():  # whose values msgspec sorts
            return f"one of {', '.join(get_args(kind))}"
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType() as number:
            ends = [(number.gt, "above"), (number.ge, "at least"), (number.le, "at most")]
            said = [f"{word} {end:g}" for end, word in ends if end is not None and abs(end) < _MOST]
            return ", ".join([*["a whole number"] * isinstance(number, msgspec.inspect.IntType), *said])
        case msgspec.inspect.TupleType(item_types=items):
            return "above 0 each, " * (getattr(items[0], "gt", None) == 0) + f"{len(items)} numbers"
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.DictType():
            return "a map"
        case _:
            return "a text"


def _nearest(name: str, known: Any) -> str:  # noqa: ANN401 - any collection of names
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f": did you mean {near[0]}?" if near else f": known are {', '.join(sorted(known))}"
