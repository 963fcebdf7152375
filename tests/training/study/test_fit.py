"""Runs of the study: stopped at any step they end with the same weights, and leave a folder that people can read."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ferstream.streams.service.atomic_file import WriteError
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.prepare.jpeg_store import PictureStoreError
from ferstream.training.dataset.prepare.manifest import Prepared, PreparedError, write_manifest
from ferstream.training.study.records.config import Config
from ferstream.training.study.records.run_folder import BEST, COLUMNS, RunFolder
from ferstream.training.study.train.fit import fit
from ferstream.training.study.train.loading import processes_for
from ferstream.training.study.train.samples import class_weights
from ferstream.training.trainer import distributed
from ferstream.training.trainer.checkpoint import CHECKPOINT, RunError, load_checkpoint
from ferstream.training.trainer.distributed import launch
from ferstream.training.trainer.stopping import Stopped
from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S
from tests.support.prepared_dataset import write_prepared

SMALL = {"img_size": 16, "embed_dim": 24, "stem": [8, 16], "depth": 1, "num_heads": 2}
#: A net without batch normalisations: how a batch is shared makes no difference to it.
PLAIN = {"img_size": 16, "patch_size": 4, "embed_dim": 24, "depth": 1, "num_heads": 2}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prepared(tmp_path_factory.mktemp("dataset") / "faces").folder


def config(**changes: Any) -> Config:
    base = Config(
        name="small",
        model="hybrid_vit",
        model_options=SMALL,
        pretrained=False,
        input_size=16,
        epochs=2,
        batch_size=8,
        learning_rate=0.05,
    )
    return base.changed(changes)


def stop_after(times: int) -> Callable[[], bool]:
    """Asks a run to stop when it listens for the so-manieth time: after every step, and between the parts of val."""
    listened = 0

    def stopping() -> bool:
        nonlocal listened
        listened += 1
        return listened == times

    return stopping


def never() -> bool:
    return False


def best_of(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / BEST)


def last_of(out: Path) -> dict[str, torch.Tensor]:
    state = load_checkpoint(out / CHECKPOINT)
    assert state is not None
    net: dict[str, torch.Tensor] = state["stepper"]["net"]
    return net


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


RECIPES = {
    "sgd in steps": {"schedule": "step", "step_epochs": 1},
    "sam": {"sam_rho": 0.05, "accumulate": 2},
    "adamw with an average": {
        "optimiser": "adamw", "learning_rate": 1e-3, "schedule": "cosine", "ema_decay": 0.9, "warm_up_epochs": 0.5,
        "model_options": {**SMALL, "drop_path_rate": 0.3}, "label_smoothing": 0.1, "soft_labels": True,
    },
    "copies on the fly": {"per_class": 9, "class_weights": True},
}  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_stopped_at_any_step_ends_with_the_same_weights(recipe: str, dataset: Path, tmp_path: Path) -> None:
    settings = config(**RECIPES[recipe])
    fit("cpu", settings, dataset, tmp_path / "whole", 0, never)
    for times in (1, 3, 2, 4):  # after the first step, within an epoch, at its end, and while or after it is validated
        with pytest.raises(Stopped, match=r"stopped after step \d+ of "):
            fit("cpu", settings, dataset, tmp_path / "parts", 0, stop_after(times))
    fit("cpu", settings, dataset, tmp_path / "parts", 0, never)
    assert same(last_of(tmp_path / "whole"), last_of(tmp_path / "parts"))
    assert same(best_of(tmp_path / "whole"), best_of(tmp_path / "parts"))
    learnt = [
        [{name: row[name] for name in COLUMNS if name not in {"seconds", "data_wait"}} for row in RunFolder(out).history()]
        for out in (tmp_path / "whole", tmp_path / "parts")
    ]
    assert learnt[0] == learnt[1]
    assert [row["epoch"] for row in learnt[0]] == [1, 2]


def test_an_ended_run_is_taken_as_it_is(dataset: Path, tmp_path: Path) -> None:
    fit("cpu", config(), dataset, tmp_path, 0, never)
    before = last_of(tmp_path)
    fit("cpu", config(), dataset, tmp_path, 0, never)
    assert same(before, last_of(tmp_path))
    fit("cpu", config(epochs=3), dataset, tmp_path, 0, never)
    assert len(RunFolder(tmp_path).history()) == 3, "a longer run of the same goes on"


def test_pictures_read_ahead_are_the_same(dataset: Path, tmp_path: Path) -> None:
    for workers in (0, 1):
        fit("cpu", config(epochs=1, per_class=9), dataset, tmp_path / str(workers), workers, never)
    assert same(last_of(tmp_path / "0"), last_of(tmp_path / "1"))


@pytest.mark.parametrize("rho", [0.0, 0.05])
def test_a_batch_in_parts_is_the_whole_batch(rho: float, dataset: Path, tmp_path: Path) -> None:
    settings = config(model="vit_tiny_patch16_224", model_options=PLAIN, epochs=1, sam_rho=rho)
    for accumulate in (1, 4):
        fit("cpu", settings.changed({"accumulate": accumulate}), dataset, tmp_path / str(accumulate), 0, never)
    one, four = last_of(tmp_path / "1"), last_of(tmp_path / "4")
    for key in one:
        torch.testing.assert_close(one[key], four[key], rtol=1e-3, atol=1e-5)


#: How a batch is shared makes no difference to it.
SHARED = config(model="vit_tiny_patch16_224", model_options=PLAIN, sam_rho=0.05)


def fit_together(device: str, dataset: Path, out: Path) -> None:
    """What two processes do, started once: a run that goes on, and two that cannot begin."""
    for epochs in (1, 2):
        fit(device, SHARED.changed({"epochs": epochs}), dataset, out / "two", 0)
        distributed.barrier()  # the first process writes
    with pytest.raises(RunError, match=r"batch of 9 does not divide by 2 processes x accumulate 1"):
        fit(device, config(batch_size=9), dataset, out / "undivided", 0)
    # The second process does not see what the first one has, as on a machine with a disk of its own.
    with pytest.raises(RunError, match="on a disk that all machines share"):
        fit(device, SHARED, dataset, out / ("two" if distributed.rank() == 0 else "elsewhere"), 0)


@pytest.mark.deploy
def test_two_processes_share_a_batch_and_go_on(dataset: Path, tmp_path: Path) -> None:
    fit("cpu", SHARED, dataset, tmp_path / "one", 0, never)
    launch(2, "cpu", fit_together, dataset, tmp_path)
    one, two = last_of(tmp_path / "one"), last_of(tmp_path / "two")
    for key in one:
        torch.testing.assert_close(one[key], two[key], rtol=1e-3, atol=1e-5)
    histories = [RunFolder(tmp_path / name).history() for name in ("one", "two")]
    for a, b in zip(*histories, strict=True):
        assert a["train_accuracy"] == b["train_accuracy"], "the figures are those of all processes"
        assert a["val_loss"] == pytest.approx(b["val_loss"], rel=1e-3)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ferstream.training.cli", "classifier", "fit", *map(str, arguments)]


def small_file(folder: Path, **changes: Any) -> Path:
    path = folder / "small.yaml"
    config(**changes).write(path)
    return path


@pytest.mark.deploy
def test_torchrun_starts_processes_that_know_each_other(dataset: Path, tmp_path: Path) -> None:
    words = command(
        "--config", small_file(tmp_path), "--dataset", dataset, "--out", tmp_path / "run", "--device", "cpu", "--workers", 0
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *words[1:]]
    ended = subprocess.run(
        torchrun, capture_output=True, text=True, timeout=PROCESS_S, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert len(RunFolder(tmp_path / "run").history()) == 2
    state = load_checkpoint(tmp_path / "run" / CHECKPOINT)
    assert state is not None
    assert state["stepper"]["schedule"]["last_epoch"] == 2 * 48 // 8, "two processes make one step of each batch"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "processes"), [(signal.SIGINT, 1), pytest.param(signal.SIGTERM, 2, marks=pytest.mark.deploy)])
def test_a_signal_stops_after_a_step(number: int, processes: int, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = small_file(tmp_path, epochs=4000, checkpoint_every=1)
    words = command("--config", settings, "--dataset", dataset, "--out", out, "--device", "cpu", "--workers", 2 - processes)
    words += ["--processes", str(processes)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (out / CHECKPOINT).exists() or process.poll() is not None, 100)
    process.send_signal(number)
    _, said = process.communicate(timeout=PROCESS_S)
    assert process.returncode == 4, said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    state = load_checkpoint(out / CHECKPOINT)
    assert state is not None
    done = state["progress"]["epoch"] * 6 + state["progress"]["step"]
    assert f"stopped after step {done:,} of 24,000" in said


def test_the_run_folder_can_be_read_by_people_and_programs(dataset: Path, tmp_path: Path) -> None:
    fit("cpu", config(), dataset, tmp_path, 0, never)
    run = RunFolder(tmp_path)
    assert run.config == config()
    with (tmp_path / "history.csv").open() as file:
        assert next(csv.reader(file)) == list(COLUMNS)
    best = max(run.history(), key=lambda row: row["val_accuracy"])
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["best"]["val_accuracy"] == pytest.approx(best["val_accuracy"], abs=1e-5)
    environment = json.loads((tmp_path / "environment.json").read_text())
    assert environment["versions"]["torch"] == torch.__version__.split("+")[0]
    assert environment["dataset"]["name"] == "faces"
    assert len(environment["git"]["commit"]) == 40
    page = (tmp_path / "README.md").read_text()
    assert "epoch 2 of 2" in page
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [event.step for event in board.Scalars("val/accuracy")] == [1, 2]
    assert board.Scalars("train/loss")[1].value == pytest.approx(run.history()[1]["train_loss"], rel=1e-4)


def test_the_best_weights_are_those_of_the_best_epoch(dataset: Path, tmp_path: Path) -> None:
    """The kept net answers val as the history says of its best epoch."""
    fit("cpu", config(epochs=6), dataset, tmp_path, 0, never)
    from ferstream.training.study.train.samples import Validation

    run, val = RunFolder(tmp_path), Prepared.open(dataset, "val")
    net, samples = run.net(), Validation(val, run.config)
    with torch.inference_mode():
        pixels = torch.stack([samples[row][0] for row in range(len(val))]).float()
        answers = net((pixels / 255 - 0.5) / 0.5).argmax(1)
    accuracy = float((answers == torch.from_numpy(val.labels)).float().mean())
    assert accuracy == pytest.approx(max(row["val_accuracy"] for row in run.history()), abs=1e-5)


def test_a_run_learns(tmp_path: Path) -> None:
    """Drawn faces that the net has not seen, far above the chance of one in eight."""
    folder = write_prepared(tmp_path / "faces", 32, train=30, val=10).folder
    options = {"img_size": 32, "embed_dim": 48, "stem": [16, 24, 48], "depth": 2, "num_heads": 3}
    settings = config(
        model_options=options, input_size=32, optimiser="adamw", learning_rate=3e-3, schedule="cosine", epochs=10, batch_size=16
    )
    fit("cpu", settings, folder, tmp_path / "run", 0, never)
    history = RunFolder(tmp_path / "run").history()
    assert history[-1]["val_accuracy"] > 0.5
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_mixed_precision_trains(dataset: Path, tmp_path: Path) -> None:
    fit("cpu", config(precision="bfloat16", sam_rho=0.05), dataset, tmp_path, 0, never)
    assert all(value.dtype != torch.bfloat16 for value in best_of(tmp_path).values())
    assert RunFolder(tmp_path).history()[-1]["train_loss"] < 3


def test_the_history_has_the_rate_of_its_own_epoch(dataset: Path, tmp_path: Path) -> None:
    fit("cpu", config(schedule="step", step_epochs=1), dataset, tmp_path, 0, never)
    assert [row["learning_rate"] for row in RunFolder(tmp_path).history()] == pytest.approx([0.05, 0.005])


def test_a_run_that_diverges_says_so(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the run diverged, try a lower --learning-rate"):
        fit("cpu", config(learning_rate=1e30, clip=0.0), dataset, tmp_path, 0, never)


def test_drawn_samples_do_not_weigh_twice(dataset: Path, tmp_path: Path) -> None:
    """Where every emotion is seen equally often, class weights change nothing."""
    for weighs in (False, True):
        settings = config(epochs=1, per_class=4, class_weights=weighs)
        fit("cpu", settings, dataset_with_few_of_one(tmp_path / f"faces{weighs}"), tmp_path / str(weighs), 0, never)
    assert same(last_of(tmp_path / "False"), last_of(tmp_path / "True"))


def dataset_with_few_of_one(folder: Path) -> Path:
    prepared = write_prepared(folder)
    rows = [row for row in prepared.table.to_pylist() if (row["split"], row["emotion"]) != ("train", "fear")]
    few = [row for row in prepared.table.to_pylist() if (row["split"], row["emotion"]) == ("train", "fear")][:2]
    return write_manifest(folder, rows + few, prepared.about).folder


def test_validation_can_be_stopped(dataset: Path, tmp_path: Path) -> None:
    """Six steps, then a wish while val is answered: the epoch is kept, and validated when the run goes on."""
    with pytest.raises(Stopped, match="stopped after step 6 of 12"):
        fit("cpu", config(), dataset, tmp_path / "parts", 0, stop_after(7))
    fit("cpu", config(), dataset, tmp_path / "parts", 0, never)
    fit("cpu", config(), dataset, tmp_path / "whole", 0, never)
    assert same(last_of(tmp_path / "whole"), last_of(tmp_path / "parts"))
    assert [row["epoch"] for row in RunFolder(tmp_path / "parts").history()] == [1, 2]


def test_a_run_with_a_damaged_history_does_not_go_on(dataset: Path, tmp_path: Path) -> None:
    """It is refused before the first step, as the page of the next epoch would need every line."""
    fit("cpu", config(), dataset, tmp_path, 0, never)
    history = tmp_path / "history.csv"
    whole = history.read_text()
    for text, message in (
        (whole.rpartition(",")[0], "it lacks data_wait"),
        (whole[: whole.rindex("\n2,") + 1], "has no epoch 2"),
    ):
        history.write_text(text)
        with pytest.raises(RunError, match=f"{message}.*bring it back from a copy"):
            fit("cpu", config(epochs=3), dataset, tmp_path, 0, never)


def test_processes_share_the_batch_of_the_study() -> None:
    assert processes_for(Config.preset("vit-b16-sam"), "cpu") == 1


def test_a_run_remembers_where_it_began(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("begin", "go-on", "go-on"):
        monkeypatch.setattr(sys, "argv", ["fer-train", command])
        fit("cpu", config(), dataset, tmp_path, 0, never)
    environment = json.loads((tmp_path / "environment.json").read_text())
    assert environment["command"] == "fer-train begin"
    assert [later["command"] for later in environment["continued"]] == ["fer-train go-on"]


def test_class_weights_make_all_emotions_equal() -> None:
    labels = torch.tensor([0] * 6 + [1] * 2 + [7] * 4).numpy()
    weights = class_weights(labels)
    assert weights.shape == (len(EMOTIONS),)
    assert weights[[0, 1, 7]].tolist() == pytest.approx([12 / 18, 2, 1])
    assert weights[2] == 0
    assert float(weights[labels].sum()) == pytest.approx(12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 49}, "samples of train do not fill one batch of 49"),
        ({"model": "vit_of_nobody"}, "cannot build vit_of_nobody"),
        ({"model_options": {"stems": 3}}, "cannot build hybrid_vit"),
        ({"input_size": 32}, "takes no pictures of 32 px as it is.*img_size: 32"),
        ({"model": "vit_tiny_patch16_224", "model_options": {}}, "takes no pictures of 16 px"),
    ],
)
def test_what_cannot_be_trained_says_so(changes: dict[str, Any], message: str, dataset: Path, tmp_path: Path) -> None:
    from ferstream.streams.errors import FerstreamError

    with pytest.raises(FerstreamError, match=message):
        fit("cpu", config(**changes), dataset, tmp_path, 0, never)


def test_other_settings_or_pictures_do_not_go_on(dataset: Path, tmp_path: Path) -> None:
    fit("cpu", config(epochs=1), dataset, tmp_path / "run", 0, never)
    with pytest.raises(RunError, match="begun with another learning_rate, seed: name another --out"):
        fit("cpu", config(epochs=1, learning_rate=0.1, seed=1), dataset, tmp_path / "run", 0, never)
    other = write_prepared(tmp_path / "other", train=7).folder
    with pytest.raises(RunError, match="begun with another dataset"):
        fit("cpu", config(epochs=1), other, tmp_path / "run", 0, never)
    settings = config(epochs=1, schedule="cosine")
    fit("cpu", settings, dataset, tmp_path / "falling", 0, never)
    with pytest.raises(RunError, match="begun with another epochs"):
        fit("cpu", settings.changed({"epochs": 2}), dataset, tmp_path / "falling", 0, never)


def test_folders_and_pictures_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match="no prepared dataset"):
        fit("cpu", config(), tmp_path, tmp_path / "run", 0, never)
    prepared = write_prepared(tmp_path / "faces")
    prepared.of_split("train").paths[3].write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(PictureStoreError, match="prepare the dataset again"):
        fit("cpu", config(), prepared.folder, tmp_path / "run", 0, never)
    with pytest.raises(PictureStoreError, match=r"prepare the dataset again$") as caught:
        fit("cpu", config(), prepared.folder, tmp_path / "ahead", 1, never)
    assert "\n" not in str(caught.value), "one line, also from a process that reads ahead"
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot make the folder"):
        fit("cpu", config(), prepared.folder, tmp_path / "file" / "run", 0, never)
