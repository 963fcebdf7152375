"""What a run of the study is made of: presets, configuration files, and the settings that both fill in."""

import contextlib
import difflib
import math
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

import yaml

from ferstream.streams.errors import FerstreamError
from ferstream.training.common.atomic_file import whole_file

Optimiser = Literal["sgd", "adamw"]
Schedule = Literal["fixed", "step", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]


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
    input_size: int = 224
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    epochs: int = 25
    batch_size: int = 60
    accumulate: int = 1
    optimiser: Optimiser = "sgd"
    sam_rho: float = 0.0  # sharpness-aware minimisation with this radius; 0 goes without
    learning_rate: float = 1e-3
    schedule: Schedule = "fixed"
    step_epochs: int = 10  # step: the rate is multiplied by `step_factor` every so many epochs
    step_factor: float = 0.1
    warm_up_epochs: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip: float = 1.0  # largest norm of the gradient; 0 leaves it
    label_smoothing: float = 0.0
    class_weights: bool = False  # rare emotions weigh as much as frequent ones
    soft_labels: bool = False  # votes instead of one emotion, where the dataset has them
    ema_decay: float = 0.0  # the moving average is what is validated and kept; 0 goes without
    precision: Precision = "auto"  # bfloat16 on a GPU that has it, else float32
    compile: bool = False
    crop_least: float = 0.8  # random resized crop: least share of the picture's area
    flip: bool = True
    per_class: int = 0  # samples of each emotion an epoch, augmented as `dataset augment` does, nothing written; 0: as they are
    seed: int = 0
    checkpoint_every: int = 500  # steps between checkpoints; one is also made after each epoch and on SIGTERM

    def __post_init__(self) -> None:
        if wrong := self._wrong():
            raise ConfigError(f"these settings mean nothing: {', '.join(wrong)}")

    def _wrong(self) -> list[str]:
        choices = {"optimiser": Optimiser, "schedule": Schedule, "precision": Precision}
        wrong = [
            f"{name} {getattr(self, name)!r} (one of {', '.join(get_args(kind))})"
            for name, kind in choices.items()
            if getattr(self, name) not in get_args(kind)
        ]
        for f in fields(self):
            usual = f.default if f.default is not MISSING else {}
            value = getattr(self, f.name)
            if f.name in _RANGES:
                wrong += _RANGES[f.name].complaints(f.name, value, whole=isinstance(usual, int))
            elif f.name not in choices and not _like(value, usual):
                wrong.append(f"{f.name} {value!r}")
        wrong += [f"std {self.std!r} (above 0)"] if not wrong and min(self.std) <= 0 else []
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
        """One of PRESETS. Raises ConfigError."""
        if not isinstance(name, str) or name not in PRESETS:
            raise ConfigError(f"there is no preset {name!r}{_nearest(str(name), PRESETS)}")
        return cls(name=name, **PRESETS[name])

    def changed(self, settings: dict[str, Any]) -> Self:
        """The same with some settings changed. Raises ConfigError, which names the nearest known setting."""
        known = {f.name for f in fields(self)}
        if unknown := [key for key in settings if key not in known]:
            raise ConfigError("; ".join(f"there is no setting {key!r}{_nearest(str(key), known)}" for key in unknown))
        values: dict[str, Any] = {key: _read(key, value) for key, value in settings.items()}
        return replace(self, **values)

    def write(self, path: Path) -> None:
        """Write every setting, so that the file makes the run again."""
        settings = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        with whole_file(path) as file:
            file.write(yaml.safe_dump(settings, sort_keys=False).encode())


@dataclass(frozen=True, slots=True)
class _Range:
    """What a number may be, both ends included."""

    least: float
    most: float = math.inf

    def complaints(self, name: str, value: object, *, whole: bool) -> list[str]:
        if _is_number(value, whole=whole) and self.least <= value <= self.most:  # type: ignore[operator]
            return []
        return [f"{name} {value!r} (" + ("a whole number, " if whole else "") + f"at least {self.least:g}{self._end()})"]

    def _end(self) -> str:
        return f", at most {self.most:g}" if self.most < math.inf else ""


_RANGES = {
    "input_size": _Range(8, 2048), "epochs": _Range(1), "batch_size": _Range(1), "accumulate": _Range(1), "sam_rho": _Range(0),
    "learning_rate": _Range(0), "step_epochs": _Range(1), "step_factor": _Range(0, 1), "warm_up_epochs": _Range(0),
    "momentum": _Range(0, 0.9999), "weight_decay": _Range(0), "clip": _Range(0), "label_smoothing": _Range(0, 0.9999),
    "ema_decay": _Range(0, 0.999999), "crop_least": _Range(0.01, 1), "per_class": _Range(0), "seed": _Range(0, 2**32 - 1),
    "checkpoint_every": _Range(1),
}  # fmt: skip

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


def _read(name: str, value: Any) -> Any:  # noqa: ANN401 - as YAML has it
    """A value as YAML gives it: lists are tuples here, and 1e-3 is a text to YAML 1.1."""
    if isinstance(value, list):
        return tuple(value)
    if name in _RANGES and isinstance(value, str):
        with contextlib.suppress(ValueError):  # said with the other values that mean nothing
            return float(value)
    return value


def _is_number(value: object, *, whole: bool) -> bool:
    return not isinstance(value, bool) and isinstance(value, int if whole else int | float) and math.isfinite(value)


def _like(value: object, usual: object) -> bool:
    """Whether a value is of the kind that its setting usually has: a flag, a text, a map, or three numbers."""
    if isinstance(usual, tuple):
        return isinstance(value, tuple) and len(value) == len(usual) and all(_is_number(part, whole=False) for part in value)
    return isinstance(value, str | None if usual is None else type(usual))


def _nearest(name: str, known: Any) -> str:  # noqa: ANN401 - any collection of names
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f": did you mean {near[0]}?" if near else f": known are {', '.join(sorted(known))}"
