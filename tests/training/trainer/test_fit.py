"""Fits go on where they were interrupted, to the same weights, and share their work among processes."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from ferstream.training.classifier.fit import ClassifierRecipe, classifier_card, fit_classifier
from ferstream.training.detector.fit import DetectorRecipe, fit_detector
from ferstream.training.trainer import distributed as ranks
from ferstream.training.trainer.checkpoint import CheckpointError, load_checkpoint
from ferstream.training.trainer.distributed import RankError, run_ranks
from ferstream.training.trainer.run import CHECKPOINT, Run, RunError, averaged_net
from ferstream.workers.models.card import PACKAGED, ModelError
from ferstream.workers.models.nets.ssd import SSD
from ferstream.workers.models.runtimes.torch_runtime import build_net
from tests.support.training_packs import write_faces, write_ferplus

Weights = dict[str, torch.Tensor]


class Interrupted(Exception):
    """A fit that somebody stopped."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def fit(task: str, data: Path, out: Path, epochs: int = 2, processes: int = 1) -> Weights:
    """The averaged weights of a fit on a pack; the classifier's also sees faces in colour, which the pack beside it has."""
    if task == "classifier":
        recipe = ClassifierRecipe(epochs=epochs, batch_size=8, mixup=0.2, colour_share=0.25)
        run_ranks(processes, "cpu", fit_classifier, data, (data.with_name("colour.npz"),), None, out, recipe)
        return averaged_net(build_net(classifier_card()), out).state_dict()
    run_ranks(processes, "cpu", fit_detector, (data,), None, out, DetectorRecipe(epochs=epochs, batch_size=2, view=128))
    return averaged_net(SSD(landmarks=False), out).state_dict()


def pack_for(task: str, folder: Path) -> Path:
    write_faces(folder / "colour.npz")
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


def stop_after_the_first(out: Path) -> None:
    """Leave in `out` the checkpoint of a run that still has its second epoch to go."""
    run = torch.load(out / CHECKPOINT, weights_only=True)
    assert run["epoch"] == 1
    (out / "first.pt").replace(out / CHECKPOINT)


def keep_the_first(device: str, *arguments: object) -> None:
    """A fit of the classifier that also keeps the checkpoint of its first epoch."""
    close = Run.close

    def close_and_keep(self: Run, epoch: int, **figures: float) -> None:
        close(self, epoch, **figures)
        if epoch == 0 and ranks.rank() == 0:
            shutil.copy(arguments[3] / CHECKPOINT, arguments[3] / "first.pt")  # type: ignore[operator]

    Run.close = close_and_keep  # type: ignore[method-assign]
    fit_classifier(device, *arguments)  # type: ignore[arg-type]


def test_two_processes_go_on_to_the_same_weights(tmp_path: Path) -> None:
    """Each has normalisations of its own, and a teacher with them: what is not in the checkpoint must not count."""
    data, out = pack_for("classifier", tmp_path), tmp_path / "run"
    recipe = ClassifierRecipe(epochs=2, batch_size=8, colour_share=0.25)
    arguments = (data, (data.with_name("colour.npz"),), None, out, recipe)
    run_ranks(2, "cpu", keep_the_first, *arguments)
    whole = averaged_net(build_net(classifier_card()), out).state_dict()
    stop_after_the_first(out)
    run_ranks(2, "cpu", fit_classifier, *arguments)
    resumed = averaged_net(build_net(classifier_card()), out).state_dict()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_two_processes_share_a_batch(tmp_path: Path) -> None:
    data = pack_for("detector", tmp_path)
    fit("detector", data, tmp_path / "together", epochs=1, processes=2)
    state = load_checkpoint(tmp_path / "together" / CHECKPOINT)
    assert state is not None
    steps = {int(entry["step"]) for entry in state["optimiser"]["state"].values()}
    assert steps == {6 // 2}, "a batch is shared, not doubled"


def test_what_one_of_two_processes_cannot_do_is_one_error(tmp_path: Path) -> None:
    data = write_ferplus(tmp_path / "ferplus.npz", train=4, val=8)
    write_faces(tmp_path / "colour.npz")
    with pytest.raises(RankError, match="samples do not fill one batch of 8"):
        fit("classifier", data, tmp_path / "run", processes=2)


def test_other_files_do_not_go_on(tmp_path: Path) -> None:
    data = pack_for("detector", tmp_path)
    fit("detector", data, tmp_path / "run", epochs=1)
    assert not list((tmp_path / "run").glob("*/pictures.u8")), "decoded pictures are for the time of a fit"
    write_faces(data, train=8)
    with pytest.raises(RunError, match="other files: name another --out"):
        fit("detector", data, tmp_path / "run", epochs=1)


def test_a_fit_cannot_begin_with_another_net(tmp_path: Path) -> None:
    data = pack_for("classifier", tmp_path)
    for folder, name in ((PACKAGED["detector"], "ssd-320"), (tmp_path / "none", "no model in")):
        with pytest.raises(ModelError, match=name):
            fit_classifier("cpu", data, (), folder, tmp_path / "run", ClassifierRecipe(batch_size=8))


def test_another_recipe_does_not_go_on(tmp_path: Path) -> None:
    data = pack_for("classifier", tmp_path)
    fit("classifier", data, tmp_path / "run", epochs=1)
    with pytest.raises(RunError, match="another recipe: name another --out"):
        fit("classifier", data, tmp_path / "run", epochs=3)


def test_too_few_samples_say_so(tmp_path: Path) -> None:
    data = write_faces(tmp_path / "faces.npz", train=2, val=2)
    with pytest.raises(RunError, match="1 samples do not fill one batch of 2"):
        run_ranks(
            1, "cpu", fit_detector, (write_faces(data, train=1, val=2),), None, tmp_path / "run", DetectorRecipe(batch_size=2)
        )


def test_a_broken_checkpoint_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        fit("classifier", pack_for("classifier", tmp_path), tmp_path / "run")


def test_a_run_that_never_was_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run in"):
        averaged_net(SSD(), tmp_path)
