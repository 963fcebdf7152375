"""Checkpoints of a run: everything that an interrupted fit needs to go on as if it had not stopped."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import whole_file
from ferstream.training.common.messages import first_line

CHECKPOINT = "checkpoint.pt"


class CheckpointError(FerstreamError):
    """A checkpoint cannot be read."""


class InputError(FerstreamError):
    """A file that a fit needs cannot be read."""


class RunError(FerstreamError):
    """A run cannot start or go on: too few samples, or a checkpoint of other settings, files or net."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run is made from; it goes on only with the same.

    `settings` are numbers and texts, of which `free` may change; `inputs` are digests of files, by name. `other` and `same` say
    what the files are, in an error.
    """

    settings: dict[str, Any]
    inputs: dict[str, str]
    free: frozenset[str] = frozenset()
    other: str = "other files"
    same: str = "packs and models"

    def check(self, path: Path, state: dict[str, Any]) -> None:
        """Raises RunError where the checkpoint is of another run."""
        refuse_unfinished(path, state)
        begun = state.get("recipe" if is_earlier(state) else "config", {})
        if unlike := sorted(name for name, value in self.settings.items() if name not in self.free and begun.get(name) != value):
            raise RunError(f"{path} was begun with another {', '.join(unlike)}: name another --out, or the same settings")
        if state.get("inputs") != self.inputs:
            raise RunError(f"{path} was begun with {self.other}: name another --out, or the same {self.same}")


def is_earlier(state: dict[str, Any]) -> bool:
    """Whether a checkpoint has the form that packaged fits had up to version 0.2: made after each epoch, named in `epoch`."""
    return "stepper" not in state


def refuse_unfinished(path: Path, state: dict[str, Any]) -> None:
    """Raises RunError where the checkpoint has the earlier form and is not of the last epoch: a finished one is packaged."""
    if is_earlier(state) and state.get("epoch", -1) + 1 != state.get("recipe", {}).get("epochs"):
        raise RunError(f"{path} is of an earlier version of ferstream: name another --out")


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


def digests(*files: Path) -> dict[str, str]:
    """SHA-256 of each file, by its name. Raises InputError."""
    found = {}
    for path in files:
        try:
            with path.open("rb") as stream:
                found[path.name] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
    return found


def digest_of(parts: dict[str, str]) -> str:
    """One short digest of several, to name a file by what it was made from."""
    return hashlib.sha256("".join(f"{name}={digest}\n" for name, digest in sorted(parts.items())).encode()).hexdigest()[:12]
