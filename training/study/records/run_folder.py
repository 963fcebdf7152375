"""The folder of a run: the names of its files, and reading them with checks."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.json_file import map_of, read_json
from ferstream.training.common.messages import first_line
from ferstream.training.study.records.config import Config
from ferstream.training.study.records.report_folder import REPORT, ReportFolder
from ferstream.training.trainer.checkpoint import RunError
from ferstream.training.trainer.history import AGAIN, HISTORY, EpochRow, read_history
from ferstream.workers.models.card import ModelCard
from ferstream.workers.models.runtimes.torch_runtime import build_net

CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
TENSORBOARD = "tensorboard"
BEST = "best.safetensors"
RESULT = "result.json"
CURVES = "curves.png"
PAGE = "README.md"
#: Where `classifier evaluate` writes its report of a run unless told otherwise.
EVALUATION = "evaluation"

#: Columns of history.csv, one line an epoch, counted from one. `data_wait` is the share of the time spent waiting for pictures.
COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds", "data_wait")


#: What `environment.json` holds at least; what else is in it is for people.
_ENVIRONMENT = map_of(command=str, dataset=map_of(name=str, sources=list[str]))


class RunFolderError(FerstreamError):
    """A folder holds no run, or one that has not reached what is asked of it."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run of `fer-train classifier fit --preset` or `--config`."""

    path: Path

    @cached_property
    def config(self) -> Config:
        """The run's settings. Raises RunFolderError where there are none, ConfigError where they cannot be read."""
        if not (self.path / CONFIG).exists():
            raise RunFolderError(f"there is no run in {self.path}: it lacks {CONFIG}")
        return Config.read(self.path / CONFIG)

    def history(self) -> list[EpochRow]:
        """One row an epoch, by COLUMNS; at least one. A loss may be infinite or nan. Raises RunFolderError."""
        path = self.path / HISTORY
        if not path.exists():
            raise RunFolderError(f"{self.path} has no {HISTORY} yet: its first epoch is not over")
        try:
            rows = read_history(path, COLUMNS)
        except RunError as error:
            raise RunFolderError(str(error)) from error
        if not rows:
            raise RunFolderError(f"the history {path} has no epoch: {AGAIN}")
        return rows

    def report_folder(self) -> ReportFolder | None:
        """What `classifier evaluate` wrote of this run, or None."""
        folder = ReportFolder(self.path / EVALUATION)
        return folder if (folder.path / REPORT).exists() else None

    def report(self) -> dict[str, Any] | None:
        """The figures in it, or None. Raises ShapeError."""
        folder = self.report_folder()
        return folder.figures if folder else None

    def environment(self) -> dict[str, Any]:
        """What the run was made with: libraries, machine, commit, command, dataset. Raises ShapeError."""
        return read_json(self.path / ENVIRONMENT, _ENVIRONMENT, AGAIN)

    def weights_digest(self) -> str:
        """The sha256 of the best weights in hex: a report of others says nothing of these. Raises RunFolderError."""
        try:
            with (self.path / BEST).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._no_weights(error) from error

    def card(self) -> ModelCard:
        """The card of the run's net: what serving needs to know of it, without figures."""
        config = self.config
        return ModelCard(
            name=config.name,
            task="classifier",
            architecture=config.model,
            options=dict(config.model_options),
            labels=EMOTIONS,
            input_size=config.input_size,
            mean=config.mean,
            std=config.std,
        )

    def net(self) -> nn.Module:
        """The net with the run's best weights. Raises RunFolderError where it has none yet, or of another net."""
        try:
            net = build_net(self.card())
            net.load_state_dict(load_file(self.path / BEST))
        except OSError as error:
            raise self._no_weights(error) from error
        except (AssertionError, RuntimeError, TypeError, ValueError, SafetensorError) as error:
            raise RunFolderError(f"{self.path / BEST} does not fit {self.config.model}: {first_line(error)}") from error
        return net.eval()

    def _no_weights(self, error: OSError) -> RunFolderError:
        if isinstance(error, FileNotFoundError):
            return RunFolderError(f"{self.path} has no {BEST} yet: its first epoch is not over")
        return RunFolderError(f"cannot read {self.path / BEST}: {first_line(error)}")
