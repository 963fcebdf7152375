"""The options of `fer-train classifier fit` that choose a run of the study and change its settings."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import click
import cloup
import yaml
from click.core import ParameterSource
from cloup import option

from ferstream.training.commands.options import FILE

if TYPE_CHECKING:
    from ferstream.training.study.records.config import Config

F = TypeVar("F", bound=Callable[..., Any])

PACKAGED_PRESET = "packaged"
PRESET_NAMES = ("vit-b16-s", "vit-b16-sg", "vit-b16-sam", "resnet18", "hybrid-tiny", "hybrid-b")


@dataclass(frozen=True, slots=True)
class StudySettings:
    """What the command line says of a run of the study."""

    preset: str
    config_file: Path | None
    changes: tuple[str, ...]
    pretrained: Path | None
    no_pretrained: bool
    workers: int | None

    @classmethod
    def options(cls) -> list[str]:
        """Names of the options that only a run of the study has."""
        return [f.name for f in fields(cls) if f.name != "preset"]

    @classmethod
    def take(cls, parameters: dict[str, Any]) -> Self:
        """Its options, taken out of a command's parameters."""
        return cls(**{f.name: parameters.pop(f.name) for f in fields(cls)})

    def chosen(self) -> bool:
        return self.config_file is not None or self.preset != PACKAGED_PRESET

    def config(self) -> "Config":
        """The preset or file, changed by what the command line says. Raises ConfigError."""
        from ferstream.training.study.records.config import Config

        if self.config_file and said("preset"):
            raise click.UsageError(
                "--preset and --config both say what to begin with: name the preset in the file, or one of the two"
            )
        config = Config.read(self.config_file) if self.config_file else Config.preset(self.preset)
        changes = dict(_setting(change) for change in self.changes)
        for name in ("epochs", "seed", "learning_rate"):
            if said(name):
                changes[name] = click.get_current_context().params[name]
        if self.pretrained:
            changes |= {"weights": str(self.pretrained)}
        if self.no_pretrained:
            changes |= {"pretrained": False, "weights": None}
        return config.changed(changes)


def study_options(command: F) -> F:
    """The options of StudySettings."""
    return cloup.option_group(
        "Recipe",
        option(
            "--preset",
            type=click.Choice([PACKAGED_PRESET, *PRESET_NAMES]),
            default=PACKAGED_PRESET,
            metavar="NAME",
            help=f"packaged: the recipe of the packaged model; of the study: {', '.join(PRESET_NAMES)}.",
        ),
        option("--config", "config_file", type=FILE, help="study: a YAML file of settings; its `preset` is where it begins."),
        option(
            "--set",
            "changes",
            multiple=True,
            metavar="KEY=VALUE",
            help="study: change a setting, sam_rho=0.05, say; may be repeated.",
        ),
        option(
            "--pretrained",
            type=FILE,
            show_default="timm's cache, else its hub",
            help="study: ImageNet weights, .safetensors or .pth.",
        ),
        option("--no-pretrained", is_flag=True, help="study: begin with random weights."),
        option(
            "--workers",
            type=click.IntRange(0),
            show_default="one a core but one",
            help="study: processes that read pictures.",
        ),
    )(command)


def refuse(names: list[str], belongs_to: str) -> None:
    """End with one line where the command line has any of the options `names`, which belong to something else."""
    context = click.get_current_context()
    for parameter in context.command.params:
        if parameter.name in names and said(parameter.name):
            raise click.UsageError(f"{parameter.opts[0]} belongs to {belongs_to}")


def said(name: str) -> bool:
    """Whether the command line or the environment sets the parameter."""
    return click.get_current_context().get_parameter_source(name) not in {ParameterSource.DEFAULT, None}


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is no KEY=VALUE", param_hint="--set")
    try:
        return key.strip(), yaml.safe_load(value)
    except (ValueError, yaml.YAMLError) as error:
        raise click.BadParameter(f"cannot read the value of {text!r}", param_hint="--set") from error
