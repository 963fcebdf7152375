"""A run becomes a model folder that both runtimes and a worker serve, whatever net it trained."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from ferstream.training.cli import main
from ferstream.training.study.records.run_folder import RunFolder, RunFolderError
from ferstream.training.study.train.export import export_run
from ferstream.workers.models.card import ModelCard, ModelError
from ferstream.workers.models.registry import open_classifier
from tests.support.prepared_dataset import write_prepared
from tests.support.training_runs import MADE, change_weights, write_run

NETS = {
    "resnet18": {"model": "resnet18", "input_size": 64},
    "hybrid of timm": {
        "model": "vit_tiny_r_s16_p8_224", "input_size": 64, "model_options": {"img_size": 64, "depth": 2},
    },
    "plain transformer": {
        "model": "vit_tiny_patch16_224", "input_size": 32, "model_options": {"img_size": 32, "patch_size": 8, "depth": 2},
    },
}  # fmt: skip


def run_of(folder: Path, net: str) -> RunFolder:
    return write_run(folder, scale=1.0, name="mine", mean=(0.4, 0.5, 0.6), **NETS[net])


@pytest.mark.parametrize("net", NETS)
def test_both_runtimes_serve_what_was_trained(net: str, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", net)
    card = export_run(run, tmp_path / "model").card
    side = run.config.input_size
    crops = np.random.default_rng(0).integers(0, 256, (5, side, side, 3), np.uint8)
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (run.config.mean, run.config.std))
    with torch.inference_mode():
        wanted = run.net()((pixels - mean) / std).numpy()
    for runtime in ("openvino", "torch"):
        logits = open_classifier(tmp_path / "model", "cpu", runtime).logits(crops)
        np.testing.assert_allclose(logits, wanted, atol=0.02)
    assert [row["name"].split()[0] for row in card.data] == ["AffectNet", "CK+,"]
    assert card.retrain == "fer-train classifier fit --preset mine"
    assert any("Nobody has measured it" in limit for limit in card.limits)
    assert (tmp_path / "model" / "CARD.md").read_text().startswith("# mine")


def test_the_command_evaluates_exports_and_serves(tmp_path: Path) -> None:
    dataset = write_prepared(tmp_path / "faces", train=0).folder
    run = run_of(tmp_path / "run", "plain transformer")
    call = CliRunner().invoke
    measured = call(
        main,
        [
            "classifier",
            "evaluate",
            "--weights",
            str(run.path),
            "--dataset",
            str(dataset),
            "--split",
            "test",
            "--threads",
            "1",
            "--explain",
            "0",
        ],
    )
    assert measured.exit_code == 0, measured.output
    made = call(main, ["classifier", "export", str(run.path)])
    assert made.exit_code == 0, made.output
    assert f"model: {run.path / 'model'}" in made.output
    card = open_classifier(run.path / "model", "cpu").card
    assert card.figures["test"]["n"] == 16
    assert card.temperature == pytest.approx(run.report()["calibration"]["used"], abs=1e-4)  # type: ignore[index]
    assert "--split test" in card.command


def test_a_run_that_is_none_or_has_not_begun(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFolderError, match=r"lacks config.yaml"):
        export_run(RunFolder(tmp_path / "empty"), tmp_path / "model")
    run = run_of(tmp_path / "run", "resnet18")
    (run.path / "best.safetensors").unlink()
    with pytest.raises(RunFolderError, match=r"no best.safetensors yet"):
        export_run(run, tmp_path / "model")
    (run.path / "best.safetensors").write_bytes(b"broken")
    with pytest.raises(RunFolderError, match="does not fit resnet18"):
        export_run(run, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_weights_that_half_precision_cannot_hold_are_not_exported(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "plain transformer")
    change_weights(run, lambda value: value * 1e6)
    with pytest.raises(ModelError, match="differ by"):
        export_run(run, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_evaluation_of_other_weights_is_not_taken_over(tmp_path: Path) -> None:
    dataset = write_prepared(tmp_path / "faces", train=0, val=1, test=1).folder
    run = run_of(tmp_path / "run", "plain transformer")
    call = CliRunner().invoke
    told = ["--weights", str(run.path), "--dataset", str(dataset), "--split", "test", "--explain", "0", "--threads", "1"]
    assert call(main, ["classifier", "evaluate", *told]).exit_code == 0
    change_weights(run, lambda value: value * 1.01)
    made = call(main, ["classifier", "export", str(run.path)])
    assert made.exit_code == 0, made.output
    assert "is of other weights than the run has now. Evaluate it and export again: fer-train classifier evaluate" in made.output
    card = ModelCard.read(run.path / "model")
    assert (card.figures, card.temperature) == ({}, 1.0)
    assert any("Nobody has measured" in limit for limit in card.limits)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"null", b"\xff", *(json.dumps(MADE | harm).encode() for harm in (
        {"command": None}, {"dataset": {}}, {"dataset": [1]}, {"dataset": {"name": "x", "sources": [1]}},
        {"dataset": {"name": "x", "sources": "affectnet"}},
    ))],
)  # fmt: skip
def test_a_broken_environment_is_one_clear_line(content: bytes, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "plain transformer")
    (run.path / "environment.json").write_bytes(content)
    result = CliRunner().invoke(main, ["classifier", "export", str(run.path)])
    assert result.exit_code == 3, result.output
    assert str(run.path / "environment.json") in result.stderr
    assert "train again in a fresh folder" in result.stderr


@pytest.mark.parametrize("content", [b"[1]", b'{"version": 1}', b"{"])
def test_a_broken_report_is_one_clear_line(content: bytes, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "plain transformer")
    (run.path / "evaluation").mkdir()
    (run.path / "evaluation" / "report.json").write_bytes(content)
    result = CliRunner().invoke(main, ["classifier", "export", str(run.path)])
    assert result.exit_code == 3, result.output
    assert str(run.path / "evaluation" / "report.json") in result.stderr
    assert "evaluate again" in result.stderr
