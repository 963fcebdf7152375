"""How far a run is, and whether a checkpoint is of the same run."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ferstream.training.common.messages import first_line
from ferstream.training.study.records.config import Config
from ferstream.training.trainer.checkpoint import load_checkpoint
from ferstream.training.trainer.run import RunError


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    epoch: int = 0
    step: int = 0  # of the epoch
    seconds: float = 0.0  # of the epoch
    waited: float = 0.0  # seconds of the epoch in which the net waited for pictures
    rate: float = 0.0  # of the last step
    best_accuracy: float = -1.0
    best_epoch: int = 0  # counted from one, as people do

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """As a checkpoint has it. Raises RunError."""
        try:
            return cls(**state["progress"])
        except (KeyError, TypeError) as error:
            raise RunError(f"the checkpoint does not say how far the run is: {first_line(error)}") from error


def begun_run(path: Path, config: Config, inputs: dict[str, str]) -> dict[str, Any] | None:
    """The checkpoint of the run, None where it has not begun. Raises CheckpointError; RunError where it is of another run."""
    state = load_checkpoint(path)
    if state is None:
        return None
    if unlike := _unlike(state.get("config", {}), config):
        raise RunError(f"{path} was begun with another {', '.join(unlike)}: name another --out, or the same settings")
    if state.get("inputs") != inputs:
        raise RunError(f"{path} was begun with another dataset: name another --out, or the same dataset")
    return state


def _unlike(begun: dict[str, Any], config: Config) -> list[str]:
    """Settings that would make another run of it; a longer one is the same, but where the rate falls towards the end."""
    free = {"name", "checkpoint_every"} | ({"epochs"} if config.schedule != "cosine" else set())
    return sorted(name for name, value in asdict(config).items() if name not in free and begun.get(name) != value)
