"""A run's history: one JSON line an epoch, which people and plots read."""

import json
from pathlib import Path


def record(path: Path, epoch: int, **figures: float) -> None:
    """Append one epoch's figures."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"epoch": epoch, **{key: round(value, 5) for key, value in figures.items()}}) + "\n")


def rewind(path: Path, epoch: int) -> None:
    """Leave out `epoch` and what follows it: a run that resumes there writes these lines again."""
    if not path.exists():
        return
    lines = path.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.strip() and json.loads(line)["epoch"] < epoch]
    if kept != lines:
        path.write_text("".join(f"{line}\n" for line in kept), "utf-8")
