"""Fits go on where they were interrupted, to the same weights."""

import json
from pathlib import Path

import pytest
import torch

from tests.training_packs import write_faces, write_ferplus
from training.checkpoint import CheckpointError
from training.classifier_fit import ClassifierRecipe, fit_classifier
from training.detector_fit import DetectorRecipe, fit_detector
from training.faces import FacePack
from training.ferplus import FerPlus
from training.run import Run, RunError

Weights = dict[str, torch.Tensor]


class Interrupted(Exception):
    """A fit that somebody stopped."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def fit(task: str, data: Path, out: Path, epochs: int = 2) -> Weights:
    if task == "classifier":
        train, val = (FerPlus.open(data, split) for split in ("train", "val"))
        return fit_classifier(train, val, out, ClassifierRecipe(epochs=epochs, batch_size=8, mixup=0.2), "cpu").state_dict()
    faces = [FacePack.open((data,), split) for split in ("train", "val")]
    return fit_detector(*faces, out, DetectorRecipe(epochs=epochs, batch_size=2, view=128), "cpu", 0).state_dict()


def pack_for(task: str, folder: Path) -> Path:
    return write_ferplus(folder / "ferplus.npz") if task == "classifier" else write_faces(folder / "faces.npz")


@pytest.mark.parametrize("task", ["classifier", "detector"])
def test_an_interrupted_fit_ends_with_the_same_weights(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pack_for(task, tmp_path)
    whole = fit(task, data, tmp_path / "whole")

    train = Run.train

    def stop_in_the_second(self: Run, epoch: int, batches: object, loss_of: object) -> dict[str, float]:
        if epoch == 1:
            raise Interrupted
        return train(self, epoch, batches, loss_of)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Run, "train", stop_in_the_second)
        with pytest.raises(Interrupted):
            fit(task, data, tmp_path / "parts")
    resumed = fit(task, data, tmp_path / "parts")

    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    history = [json.loads(line) for line in (tmp_path / "parts" / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in history] == [0, 1]

    finished = fit(task, data, tmp_path / "parts")
    assert all(torch.equal(whole[key], finished[key]) for key in whole), "a finished run is taken as it is"


def test_another_recipe_does_not_go_on(tmp_path: Path) -> None:
    data = pack_for("classifier", tmp_path)
    fit("classifier", data, tmp_path / "run", epochs=1)
    with pytest.raises(RunError, match="another recipe: name another --out"):
        fit("classifier", data, tmp_path / "run", epochs=3)


def test_too_few_samples_say_so(tmp_path: Path) -> None:
    data = write_ferplus(tmp_path / "ferplus.npz", train=4, val=8)
    with pytest.raises(RunError, match="4 samples do not fill one batch of 8"):
        fit("classifier", data, tmp_path / "run")


def test_a_broken_checkpoint_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        fit("classifier", pack_for("classifier", tmp_path), tmp_path / "run")
