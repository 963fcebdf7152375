"""Checkpoints of a run: everything that an interrupted fit needs to go on as if it had not stopped."""

from pathlib import Path
from typing import Any

import torch

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import whole_file
from ferstream.training.common.messages import first_line


class CheckpointError(FerstreamError):
    """A checkpoint cannot be read."""


def save_checkpoint(path: Path, **state: Any) -> None:  # noqa: ANN401 - state dicts
    """Write `state`, whole or not at all. Raises WriteError."""
    with whole_file(path) as file:
        torch.save(state, file)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state of an earlier run, on the CPU, or None where there is none. Raises CheckpointError."""
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # A broken file makes torch raise whatever it stumbles over.
        raise CheckpointError(f"cannot read the checkpoint {path}: {first_line(error)}") from error
    return state
