"""Releasing a detector: packaged, measured in the packaged form, and described on its card."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from training.detector_evaluate import evaluate_detector
from training.detector_fit import detector_card
from training.export import package, replacing
from training.faces import FacePack
from training.licences import face_sources
from workers.models.registry import open_detector

SPLIT = "val"

LIMITS = (
    "It finds faces; it recognises nobody, and must not be used to identify or follow people.",
    "Pictures are scaled to a long side of 320 px, and small faces are missed: recall_by_size says how many at which size.",
    "It was trained on faces turned by up to 20 degrees; how much it loses beyond, and on profiles, was not measured.",
    "Some training pictures are for research use: have your own use checked before you sell it.",
    "It was not measured by skin colour, age or head covering; its data is uneven in all three. Measure it on your own cameras.",
)


def release_detector(net: nn.Module, val: FacePack, folder: Path) -> dict[str, Any]:
    """Write the model folder, with a complete card; returns the figures. Raises ModelError."""
    packs = val.packs
    sources = {str(name) for pack in packs if "source" in pack.arrays for name in pack.arrays["source"].astype("U")}
    data = " ".join(f"--data {pack.path.name}" for pack in packs)
    command = f"fer-train detector evaluate {data} --split {SPLIT} --device cpu --runtime openvino --json"
    with replacing(folder) as fresh:
        card = package(net, replace(detector_card(), data=face_sources(sources), limits=LIMITS, command=command), fresh)
        figures = evaluate_detector(open_detector(fresh, "cpu", "openvino", threads=1), val)
        replace(card, figures={SPLIT: figures}).write(fresh)
    return figures
