"""What a run writes down for people and plots: history.csv, TensorBoard, the environment, and README.md with the curves."""

import json
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import torch
from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from ferstream.training.common.json_file import write_bytes, write_json
from ferstream.training.common.plotting import png_of
from ferstream.training.common.tables import markdown
from ferstream.training.study.records.config import Config
from ferstream.training.study.records.run_folder import (
    BEST,
    COLUMNS,
    CONFIG,
    CURVES,
    ENVIRONMENT,
    EVALUATION,
    PAGE,
    TENSORBOARD,
)
from ferstream.training.trainer.history import HISTORY, EpochRow, History, as_texts
from ferstream.workers.settings import usable_cores

#: Libraries whose versions change what a run comes to.
LIBRARIES = ("torch", "timm", "torchvision", "numpy", "simplejpeg", "opencv-python-headless")


class Journal:
    """The written side of the run in `out`, of which `done` epochs are over."""

    def __init__(self, out: Path, config: Config, dataset: dict[str, Any], done: int) -> None:
        self._out, self._config, self._dataset = out, config, dataset
        self._history = History(out, done, COLUMNS)
        config.write(out / CONFIG)
        write_json(out / ENVIRONMENT, _continued(out / ENVIRONMENT, {**environment(), "dataset": dataset}))
        self._board = SummaryWriter(out / TENSORBOARD, purge_step=done + 1)

    def epoch(self, row: EpochRow) -> None:
        """Write one epoch, a row by COLUMNS, everywhere."""
        self._history.append(row)
        for name in COLUMNS[1:]:
            self._board.add_scalar(name.replace("_", "/", 1), row[name], int(row["epoch"]))
        self._board.flush()
        self._draw()
        write_bytes(self._out / PAGE, ("\n".join(self._page()) + "\n").encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._board.close()

    def _draw(self) -> None:
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        epochs = [row["epoch"] for row in self._history.rows]
        for axes, what in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
            for part, colour, style in (("train", "#1b6ca8", "-"), ("val", "#d9822b", "--")):
                values = [row[f"{part}_{what}"] for row in self._history.rows]
                axes.plot(epochs, values, style, color=colour, marker="o", markersize=3, label=part)
            axes.set(xlabel="epoch", ylabel=what)
            axes.legend(frameon=False)
        write_bytes(self._out / CURVES, png_of(figure, dpi=90))

    def _page(self) -> list[str]:
        rows, config = self._history.rows, self._config
        best = max(rows, key=lambda row: row["val_accuracy"])
        return [
            f"# {config.name}",
            "",
            f"{config.model} on {self._dataset['name']}: epoch {len(rows)} of {config.epochs}; best validation accuracy "
            f"{best['val_accuracy']:.4f}, after epoch {best['epoch']:.0f}, whose weights are in `{BEST}`.",
            "",
            f"![curves]({CURVES})",
            "",
            *markdown(COLUMNS, (list(as_texts(row).values()) for row in rows[-10:])),
            "",
            f"- every setting: `{CONFIG}`; libraries, machine, commit, dataset: `{ENVIRONMENT}`; every epoch: `{HISTORY}`",
            f"- the curves while it runs: `tensorboard --logdir {TENSORBOARD}`",
            "- go on after an interruption: the same `fer-train classifier fit` command",
            f"- measure it: `fer-train classifier evaluate --weights . --dataset DATASET`, which writes `{EVALUATION}/`",
            "- serve it: `fer-train classifier export . --out MODEL`, then `fer-worker run --classifier MODEL`",
        ]


def environment() -> dict[str, Any]:
    """What the run's weights depend on beside its settings: libraries, machine, the code's commit, the command."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "git": git_state(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {usable_cores()} cores",
        "gpus": gpus,
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def _continued(path: Path, now: dict[str, Any]) -> dict[str, Any]:
    """What the run was begun with, and under `continued` each other environment in which it went on."""
    try:
        begun: dict[str, Any] = json.loads(path.read_text("utf-8"))
        earlier = [*begun.get("continued", []), {name: value for name, value in begun.items() if name != "continued"}]
    except (OSError, ValueError, AttributeError):
        return now  # it begins, or somebody has written over it
    return begun if now in earlier else {**begun, "continued": [*begun.get("continued", []), now]}


def git_state() -> dict[str, Any] | None:
    """The commit of the code and whether it was changed since, or None where it is installed without git."""
    here = Path(__file__).parent
    try:
        commit, changed = (
            subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git, or no repository: the versions have to do
    return {"commit": commit, "changed": bool(changed)}
