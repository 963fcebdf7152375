"""Fits go on where they were interrupted, to the same weights, and share their work among processes."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ferstream.training.classifier.fit import ClassifierRecipe, classifier_card, fit_classifier
from ferstream.training.detector.fit import DetectorRecipe, fit_detector
from ferstream.training.trainer.checkpoint import CHECKPOINT, CheckpointError, RunError, load_checkpoint
from ferstream.training.trainer.distributed import ProcessError, launch
from ferstream.training.trainer.run import averaged_net
from ferstream.training.trainer.stopping import Stopped
from ferstream.workers.models.card import PACKAGED, ModelError
from ferstream.workers.models.nets.ssd import SSD
from ferstream.workers.models.runtimes.torch_runtime import build_net
from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S
from tests.support.training_packs import write_faces, write_ferplus

Weights = dict[str, torch.Tensor]


class StopAfter:
    """Asks a run to stop when it is asked for the so-manieth time: after every step, and between batches of val.

    Or ends it there, as a second Ctrl-C does.
    """

    def __init__(self, times: int, *, at_once: bool = False) -> None:
        self.asked, self._times, self._at_once = 0, times, at_once

    def __call__(self) -> bool:
        self.asked += 1
        if self.asked == self._times and self._at_once:
            raise KeyboardInterrupt
        return self.asked == self._times


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def train(device: str, task: str, data: Path, out: Path, epochs: int = 2, stopping: StopAfter | None = None) -> None:
    """A fit on a pack; the classifier's also sees faces in colour, which the pack beside it has."""
    if task == "classifier":
        recipe = ClassifierRecipe(epochs=epochs, batch_size=8, mixup=0.2, colour_share=0.25)
        fit_classifier(device, data, (data.with_name("colour.npz"),), None, out, recipe, stopping)
    else:
        fit_detector(device, (data,), None, out, DetectorRecipe(epochs=epochs, batch_size=2, view=128), stopping)


def weights_of(task: str, out: Path) -> Weights:
    """The averaged weights of a fit."""
    return averaged_net(build_net(classifier_card()) if task == "classifier" else SSD(landmarks=False), out).state_dict()


def fit(task: str, data: Path, out: Path, epochs: int = 2, stopping: StopAfter | None = None) -> Weights:
    train("cpu", task, data, out, epochs, stopping)
    return weights_of(task, out)


def pack_for(task: str, folder: Path) -> Path:
    write_faces(folder / "colour.npz")
    return write_ferplus(folder / "ferplus.npz") if task == "classifier" else write_faces(folder / "faces.npz")


def history_of(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("task", ["classifier", "detector"])
def test_a_fit_stopped_at_any_step_ends_with_the_same_weights(task: str, tmp_path: Path) -> None:
    data = pack_for(task, tmp_path)
    whole = fit(task, data, tmp_path / "whole")

    for times in (1, 3):  # after a step of each epoch, or at the end of one
        with pytest.raises(Stopped, match=r"stopped after step \d+ of \d+: the same command goes on"):
            fit(task, data, tmp_path / "parts", stopping=StopAfter(times))
    resumed = fit(task, data, tmp_path / "parts")

    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    rows = [history_of(tmp_path / name) for name in ("whole", "parts")]
    assert [row["epoch"] for row in rows[1]] == ["1", "2"]
    learnt = [[{k: v for k, v in row.items() if k not in {"seconds", "data_wait"}} for row in part] for part in rows]
    assert learnt[0] == learnt[1]

    finished = fit(task, data, tmp_path / "parts")
    assert all(torch.equal(whole[key], finished[key]) for key in whole), "a finished run is taken as it is"


@pytest.mark.parametrize(("task", "at_once"), [("classifier", False), ("detector", False), ("detector", True)])
def test_measuring_can_be_stopped_and_loses_no_epoch(task: str, at_once: bool, tmp_path: Path) -> None:
    data, never = pack_for(task, tmp_path), StopAfter(0)
    whole = fit(task, data, tmp_path / "whole", epochs=1, stopping=never)
    with pytest.raises(KeyboardInterrupt if at_once else Stopped):
        fit(task, data, tmp_path / "parts", epochs=1, stopping=StopAfter(never.asked, at_once=at_once))
    state = load_checkpoint(tmp_path / "parts" / CHECKPOINT)
    assert state is not None
    assert state["progress"]["epoch"] == 0
    assert 0 < state["progress"]["step"] < never.asked, "all steps are kept, and only measuring is done again"
    resumed = fit(task, data, tmp_path / "parts", epochs=1, stopping=(again := StopAfter(0)))
    assert again.asked == never.asked - state["progress"]["step"], "no step is done again"
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert len(history_of(tmp_path / "parts")) == 1


def train_together(device: str, faces: Path, ferplus: Path, few: Path, out: Path) -> None:
    """What two processes do, started once."""
    train(device, "classifier", ferplus, out / "whole")
    with pytest.raises(Stopped):
        train(device, "classifier", ferplus, out / "parts", stopping=StopAfter(3))
    train(device, "classifier", ferplus, out / "parts")
    train(device, "detector", faces, out / "detector", epochs=1)
    train(device, "classifier", few, out / "few")


@pytest.mark.deploy
def test_two_processes_share_a_batch_and_go_on_to_the_same_weights(tmp_path: Path) -> None:
    """Each has normalisations of its own, and a teacher with them: what is not in the checkpoint must not count."""
    faces, ferplus = pack_for("detector", tmp_path), pack_for("classifier", tmp_path)
    few = write_ferplus(tmp_path / "few.npz", train=4, val=8)
    with pytest.raises(ProcessError, match="samples do not fill one batch of 8"):
        launch(2, "cpu", train_together, faces, ferplus, few, tmp_path)
    whole, resumed = (weights_of("classifier", tmp_path / name) for name in ("whole", "parts"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    state = load_checkpoint(tmp_path / "detector" / CHECKPOINT)
    assert state is not None
    steps = {int(entry["step"]) for entry in state["stepper"]["optimiser"]["state"].values()}
    assert steps == {6 // 2}, "a batch is shared, not doubled"


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
    with pytest.raises(RunError, match="begun with another epochs: name another --out"):
        fit("classifier", data, tmp_path / "run", epochs=3)


def test_too_few_samples_say_so(tmp_path: Path) -> None:
    data = write_faces(tmp_path / "faces.npz", train=2, val=2)
    with pytest.raises(RunError, match="1 samples do not fill one batch of 2"):
        fit("detector", write_faces(data, train=1, val=2), tmp_path / "run")


def test_a_broken_checkpoint_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        fit("classifier", pack_for("classifier", tmp_path), tmp_path / "run")


def test_a_checkpoint_of_an_earlier_version_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    torch.save({"net": {}, "ema": {}, "epoch": 3, "recipe": {}, "inputs": {}}, tmp_path / "run" / CHECKPOINT)
    with pytest.raises(RunError, match="is of an earlier version of ferstream: name another --out"):
        fit("classifier", pack_for("classifier", tmp_path), tmp_path / "run")
    with pytest.raises(RunError, match="is of an earlier version of ferstream"):
        averaged_net(SSD(), tmp_path / "run")


def test_a_finished_checkpoint_of_an_earlier_version_is_taken_as_it_is(tmp_path: Path) -> None:
    data, out = pack_for("classifier", tmp_path), tmp_path / "run"
    whole = fit("classifier", data, out)
    state = load_checkpoint(out / CHECKPOINT)
    assert state is not None
    earlier = {**state["stepper"], "epoch": 1, "recipe": state["config"], "inputs": state["inputs"]}
    torch.save(earlier, out / CHECKPOINT)
    (out / "history.csv").rename(out / "history.jsonl")
    finished = fit("classifier", data, out)
    assert all(torch.equal(whole[key], finished[key]) for key in whole)
    with pytest.raises(RunError, match="begun with another epochs"):
        fit("classifier", data, out, epochs=3)
    torch.save(earlier | {"epoch": 0}, out / CHECKPOINT)
    with pytest.raises(RunError, match="is of an earlier version of ferstream: name another --out"):
        fit("classifier", data, out)


@pytest.mark.slow
def test_a_signal_stops_a_packaged_fit_after_a_step(tmp_path: Path) -> None:
    pack, out = write_ferplus(tmp_path / "ferplus.npz", train=128, val=16), tmp_path / "run"
    words = ["--dataset", f"ferplus:{pack}", "--out", out, "--epochs", 4000, "--device", "cpu", "--no-colour", "--processes", 1]
    command = [sys.executable, "-m", "ferstream.training.cli", "classifier", "fit", *words]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (out / CHECKPOINT).exists() or process.poll() is not None, 100)
    process.terminate()
    _, said = process.communicate(timeout=PROCESS_S)
    assert process.returncode == 4, said
    assert "the same command goes on" in said
    assert "Traceback" not in said


def test_a_run_that_never_was_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run in"):
        averaged_net(SSD(), tmp_path)
