"""Presets and configuration files, and what is said of settings that mean nothing."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ferstream.training.cli import main
from ferstream.training.commands.study_options import PRESET_NAMES
from ferstream.training.study.records.config import PRESETS, Config, ConfigError


def test_the_command_line_knows_every_preset() -> None:
    assert tuple(PRESETS) == PRESET_NAMES


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_the_studys(name: str) -> None:
    preset = Config.preset(name)
    assert preset.name == name
    assert (preset.batch_size, preset.epochs, preset.per_class) == (60, 25, 20_000)
    assert (preset.mean, preset.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert preset.pretrained


def test_the_three_transformers_differ_in_how_they_step() -> None:
    fixed, falling, sharp = (Config.preset(f"vit-b16-{name}") for name in ("s", "sg", "sam"))
    assert {fixed.model, falling.model, sharp.model} == {"vit_base_patch16_224"}
    assert (fixed.learning_rate, fixed.schedule, fixed.sam_rho, fixed.momentum) == (1e-3, "fixed", 0, 0.9)
    assert (falling.learning_rate, falling.schedule, falling.step_epochs, falling.step_factor) == (1e-2, "step", 10, 0.1)
    assert sharp.sam_rho == 0.05
    assert Config.preset("hybrid-b").model_options == {"depth": 11}


def test_a_file_begins_with_a_preset_and_comes_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("preset: vit-b16-sam\nname: mine\nepochs: 3\nmean: [0.4, 0.5, 0.6]\n")
    config = Config.read(tmp_path / "mine.yaml")
    assert (config.name, config.epochs, config.sam_rho, config.mean) == ("mine", 3, 0.05, (0.4, 0.5, 0.6))
    assert Config().changed({"learning_rate": "1e-3"}).learning_rate == 0.001, "a text to YAML"
    config.write(tmp_path / "whole.yaml")
    assert Config.read(tmp_path / "whole.yaml") == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "there is no setting 'epoch': did you mean epochs"),
        ("preset: vit-b16-sm", "there is no preset 'vit-b16-sm': did you mean vit-b16-sam"),
        ("optimiser: adam", "optimiser 'adam' .one of sgd, adamw"),
        ("epochs: 0", "epochs 0 .a whole number, at least 1"),
        ("epochs: many", "epochs 'many' .a whole number, at least 1"),
        ("learning_rate: .nan", "learning_rate nan"),
        ("learning_rate: true", "learning_rate True"),
        ("{accumulate: 7}", "accumulate 7 .a batch of 60 does not divide by it"),
        ("- a\n- b", "holds no settings"),
        ("a: [", "cannot read"),
        ("mean: [0.5]", "mean"),
        ("std: [0.5, 0, 0.5]", "std .* .above 0"),
        ("label_smoothing: 2", "label_smoothing 2 .at least 0, at most 0.9999"),
        ("crop_least: 3", "crop_least 3"),
        ("seed: 99999999999999", "seed 99999999999999"),
        ("momentum: 3", "momentum 3"),
        ("epochs: 1.5", "epochs 1.5 .a whole number"),
        ("preset: [1]", "there is no preset .1."),
        ("name: 2024-13-45", "cannot read"),
        ("model_options: 3", "model_options"),
        ("model: 3", "model"),
        ("flip: 3", "flip"),
        ('flip: "true"', "flip 'true' .true or false"),
        ('class_weights: "1"', "class_weights '1' .true or false"),
    ],
)
def test_what_means_nothing_is_one_clear_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        Config.read(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--preset", "vit-b16-sam"), 2, "--dataset DIR"),
        (("--preset", "resnet18", "--dataset", "nowhere", "--no-colour"), 2, "--no-colour belongs to --preset packaged"),
        (("--set", "epochs=3"), 2, "--set belongs to a run of the study"),
        (("--preset", "resnet18", "--dataset", "nowhere", "--set", "epochs"), 2, "'epochs' is no KEY=VALUE"),
        (("--preset", "resnet18", "--dataset", "nowhere", "--set", "epoch=3"), 3, "did you mean epochs?"),
        (("--preset", "resnet18", "--dataset", "nowhere", "--no-pretrained"), 3, "make it with fer-train dataset prepare"),
        (("--config", "none.yaml", "--dataset", "nowhere"), 3, "cannot read none.yaml"),
        (("--config", "a.yaml", "--preset", "resnet18", "--dataset", "nowhere"), 2, "or one of the two"),
        (("--preset", "resnet18", "--dataset", "nowhere", "--set", "name=2024-13-45"), 2, "cannot read the value"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments: tuple[str, ...], status: int, message: str, tmp_path: Any) -> None:
    result = CliRunner().invoke(
        main, ["classifier", "fit", "--out", str(tmp_path / "run"), *arguments], env={"FER_DATA_DIR": None}
    )
    assert result.exit_code == status, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
