"""A run's results file: what was trained with what, and how good it came out."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ferstream.streams.service.atomic_file import whole_file
from ferstream.training.trainer.run import Recipe

RESULTS = "results.json"


def write_results(out: Path, recipe: Recipe, files: tuple[Path, ...], package: Path, figures: dict[str, Any]) -> Path:
    """Write `results.json` into `out`, whole or not at all; returns its path."""
    path = out / RESULTS
    content = {
        "recipe": asdict(recipe),
        "files": [file.name for file in files],
        "package": str(package),
        "figures": figures,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in ("torch", "timm", "openvino")},
    }
    with whole_file(path) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())
    return path
