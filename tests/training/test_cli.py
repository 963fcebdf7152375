"""`fer-train`: what it prints, and how it ends when something is wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from ferstream.training.classifier.fit import ClassifierRecipe
from ferstream.training.cli import main
from ferstream.training.detector.fit import DetectorRecipe
from ferstream.workers.models.card import PACKAGED, ModelCard
from tests.support.training_packs import real_pack, write_faces, write_ferplus


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], env={"FER_DATA_DIR": None, **environment})


def printed(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_help_needs_no_torch() -> None:
    heavy = "{'torch', 'timm', 'openvino', 'numpy'}"
    code = f"import sys; from ferstream.training.cli import main; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("dataset", "inspect", "rafbd:x.npz"), 2, "did you mean raf-db:x.npz? known are ferplus:PATH"),
        (("classifier", "evaluate", "--dataset", "ferplus2013:x.npz"), 2, "known are ferplus:PACK.npz"),
        (("dataset", "inspect", "none.npz"), 3, "there is no pack none.npz"),
        (("detector", "evaluate", "--data", "none.npz"), 3, "there is no pack none.npz"),
        (("classifier", "evaluate", "--dataset", "ferplus:none.npz"), 3, "there is no pack none.npz"),
        (("classifier", "evaluate", "--dataset", "faces:none.npz"), 3, "a classifier needs ferplus:PACK.npz"),
        (("detector", "fit"), 3, "--data PACK.npz, or set FER_DATA_DIR"),
        (("classifier", "fit"), 3, "--dataset ferplus:PACK.npz, or set FER_DATA_DIR"),
        (("classifier", "evaluate", "--protocol", "plurality"), 2, "majority"),
        (("classifier", "fit", "--seed", 2**32), 2, "0<=x<=4294967295"),
        (("detector", "fit", "--seed", 2**64), 2, "0<=x<=4294967295"),
    ],
)
def test_errors_are_one_clear_line(arguments: tuple[str, ...], status: int, message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error")]) == 1


@pytest.mark.parametrize("noun", ["classifier", "detector"])
def test_the_help_of_a_fit_names_its_exit_status(noun: str) -> None:
    assert "stopped by a signal; the same command goes on" in run(noun, "fit", "--help").stdout


def test_a_data_folder_without_packs(tmp_path: Path) -> None:
    result = run("detector", "evaluate", FER_DATA_DIR=str(tmp_path))
    assert result.exit_code == 3
    assert "no faces_trainval_*.npz in" in result.stderr


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    pack = write_faces(tmp_path / "faces.npz")
    result = run("detector", "evaluate", "--data", pack, "--weights", tmp_path / "none", "--device", "cpu")
    assert result.exit_code == 3
    assert "no model in" in result.stderr


def test_weights_of_the_other_task(tmp_path: Path) -> None:
    pack = write_faces(tmp_path / "faces.npz")
    result = run("detector", "evaluate", "--data", pack, "--weights", PACKAGED["classifier"], "--device", "cpu")
    assert result.exit_code == 3
    assert "holds a classifier, not a detector" in result.stderr


def test_inspect_counts(tmp_path: Path) -> None:
    faces = printed(run("dataset", "inspect", write_faces(tmp_path / "f.npz"), "--json"))
    assert faces["train"]["pictures"] == 6
    assert faces["val"] == {
        "pictures": 3,
        "without_faces": 1,
        "faces": 2,
        "faces_side24": 2,
        "faces_side48": faces["val"]["faces_side48"],
        "sources": {"coco": 3},
    }
    votes = printed(run("dataset", "inspect", f"ferplus:{write_ferplus(tmp_path / 'v.npz')}", "--json"))
    assert votes["train"]["majority"]["faces"] == 24
    assert votes["val"]["argmax8"]["contempt"] == 2


def test_evaluate_the_packaged_detector(tmp_path: Path) -> None:
    figures = printed(run("detector", "evaluate", "--data", write_faces(tmp_path / "f.npz"), "--device", "cpu", "--json"))
    assert figures["n"] == 3
    assert figures["faces"] == 2
    expected = {"ap50", "ap50_side24", "ap50_side48", "recall", "false_positives_per_faceless_picture", "ms_per_picture"}
    assert expected <= figures.keys()


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_evaluate_the_packaged_classifier(tmp_path: Path, runtime: str) -> None:
    pack = write_ferplus(tmp_path / "v.npz")
    options = ("--split", "all", "--device", "cpu", "--runtime", runtime)
    figures = printed(run("classifier", "evaluate", "--dataset", f"ferplus:{pack}", *options, "--json"))
    assert figures["n"] == 40
    assert {"accuracy", "macro_f1", "ece", "per_class"} <= figures.keys()
    assert sum(part["n"] for part in figures["per_class"].values()) == 40


def test_a_table_without_json(tmp_path: Path) -> None:
    result = run("classifier", "evaluate", "--dataset", f"ferplus:{write_ferplus(tmp_path / 'v.npz')}", "--device", "cpu")
    assert result.exit_code == 0
    assert "macro_f1" in result.stdout
    assert "contempt" in result.stdout


def test_options_come_from_the_environment(tmp_path: Path) -> None:
    pack = write_ferplus(tmp_path / "v.npz")
    result = run(
        "classifier", "evaluate", FER_TRAIN_CLASSIFIER_EVALUATE_DATASET=f"ferplus:{pack}", FER_TRAIN_CLASSIFIER_EVALUATE_SPLIT="x"
    )
    assert result.exit_code == 3
    assert "no split 'x'" in result.stderr


@pytest.mark.parametrize(
    ("noun", "card", "recipe"), [("detector", "ssd-320", DetectorRecipe()), ("classifier", "hybrid-vit-48", ClassifierRecipe())]
)
def test_the_default_settings_are_the_recipes(noun: str, card: str, recipe: Any) -> None:
    options = {option.name: option for option in main.commands[noun].commands["fit"].params}  # type: ignore[attr-defined]
    assert options["epochs"].default == recipe.epochs
    assert options["seed"].default == recipe.seed
    assert ModelCard.read(PACKAGED[noun]).name == card


def test_fit_makes_a_model_that_can_be_measured(tmp_path: Path) -> None:
    pack = write_ferplus(tmp_path / "v.npz", train=128, val=16)
    out = tmp_path / "run"
    start = ("--start", PACKAGED["classifier"], "--learning-rate", 1e-9)
    options = ("--out", out, "--epochs", 1, "--device", "cpu", "--processes", 1, "--no-colour")
    result = run("classifier", "fit", "--dataset", f"ferplus:{pack}", *start, *options)
    assert result.exit_code == 0, result.output
    card = ModelCard.read(out / "packaged")
    assert card.figures["val"]["majority"]["n"] == 16
    assert card.command.startswith("fer-train classifier evaluate --dataset ferplus:v.npz")
    assert card.data
    assert card.limits
    assert 0 <= card.least_probability <= 1
    assert card.figures["val"]["conditions"]["by_size"]["24 px"]
    assert (out / "packaged" / "CARD.md").read_text().startswith("# hybrid-vit-48")
    assert (out / "packaged" / "card.png").stat().st_size > 10_000
    results = json.loads((out / "results.json").read_text())
    assert results["recipe"]["epochs"] == 1
    assert results["figures"]["argmax8"]["n"] == 16
    figures = printed(
        run("classifier", "evaluate", "--dataset", f"ferplus:{pack}", "--weights", out / "packaged", "--device", "cpu", "--json")
    )
    assert figures["accuracy"] == card.figures["val"]["majority"]["accuracy"]
    begun, made = (load_file(folder / "weights.safetensors") for folder in (PACKAGED["classifier"], out / "packaged"))
    kept = [key for key in begun if key.startswith("blocks.")]  # the stem's convolutions take up their normalisations
    assert kept
    assert all(torch.allclose(begun[key].float(), made[key].float(), atol=1e-3) for key in kept)


def test_fit_a_detector(tmp_path: Path) -> None:
    pack = write_faces(tmp_path / "f.npz", train=34, val=3)
    out = tmp_path / "run"
    options = ("--data", pack, "--out", out, "--epochs", 1, "--device", "cpu", "--processes", 1)
    result = run("detector", "fit", *options)
    assert result.exit_code == 3
    assert "train on the labels alone with --no-teacher" in result.stderr
    result = run("detector", "fit", *options, "--no-teacher")
    assert result.exit_code == 0, result.output
    card = ModelCard.read(out / "packaged")
    assert card.figures["val"]["n"] == 3
    assert [source["name"] for source in card.data] == ["COCO (Lin et al. 2014)"]
    assert card.options == {"landmarks": False}, "nobody taught it any"
    assert card.retrain == "fer-train detector fit --epochs 1 --seed 0 --no-teacher"
    assert (out / "results.json").exists()
    assert "| 96 px and more |" in (out / "packaged" / "CARD.md").read_text()


def test_folders_without_figures_have_no_summary() -> None:
    result = run("summary", "--detector", PACKAGED["classifier"])
    assert result.exit_code == 3
    assert "is no detector with figures of val" in result.stderr


def test_the_summary_has_a_row_an_emotion() -> None:
    result = run("summary")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("| recall of ") == 8
    assert "| AP at IoU 0.5, all faces |" in result.stdout


@pytest.mark.parametrize(("noun", "limit"), [("detector", 3_000_000), ("classifier", 25_000_000)])
def test_packaged_models_are_whole_small_and_described(noun: str, limit: int) -> None:
    card = ModelCard.read(PACKAGED[noun])
    assert set(card.sha256) == {"weights.safetensors", "model.onnx"}
    assert all(len(card.weights(PACKAGED[noun], file)) < limit for file in card.sha256)
    assert all(source["licence"] for source in card.data)
    assert card.data
    assert card.limits
    assert card.figures["val"]
    assert card.command.startswith(f"fer-train {noun} evaluate")


def test_the_packaged_detector_reaches_what_its_card_says() -> None:
    """On a slice of val: a broken preprocessing would lose far more than the slice's chance."""
    pack = real_pack("faces_trainval_1.npz")
    figures = printed(run("detector", "evaluate", "--data", pack, "--device", "cpu", "--json"))
    assert figures["ap50_side24"] > 0.89
    assert figures["false_positives_per_faceless_picture"] <= 0.02


def test_the_packaged_classifier_reaches_what_its_card_says() -> None:
    pack = real_pack("ferplus_trainval.npz")
    figures = printed(run("classifier", "evaluate", "--dataset", f"ferplus:{pack}", "--device", "cpu", "--json"))
    assert figures["n"] == 3199
    assert figures["accuracy"] > 0.84
    assert figures["ece"] < 0.03
