"""A run's history: one JSON line an epoch, which people and plots read."""

import json
from pathlib import Path


def record(path: Path, epoch: int, **figures: float) -> None:
    """Append one epoch's figures."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"epoch": epoch, **{key: round(value, 5) for key, value in figures.items()}}) + "\n")
