"""Checkpoints of a run: everything that an interrupted fit needs to go on as if it had not stopped."""

from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, **state: Any) -> None:  # noqa: ANN401 - state dicts
    """Write `state`, whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state of an earlier run, or None where there is none."""
    return torch.load(path, weights_only=True) if path.exists() else None
