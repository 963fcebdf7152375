"""Releasing a detector: packaged, measured in the packaged form, and described on its card."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from training.detector_evaluate import evaluate_detector
from training.detector_fit import detector_card
from training.export import package, rewrite_card
from training.faces import FacePack
from training.licences import face_sources
from workers.models.registry import open_detector

SPLIT = "val"

LIMITS = (
    "It finds faces; it recognises nobody, and must not be used to identify or follow people.",
    "Pictures are scaled to a long side of 320 px: faces of less than about 1/25 of it are often missed, and most under 1/40.",
    "Strong rotation (over about 45 degrees), profiles and the back of the head are missed; drawings of faces may be found.",
    "Some training pictures are for research use: have your own use checked before you sell it.",
    "Skin colours, ages and head coverings are as uneven as in the sets it was trained on; measure it on your own cameras.",
)


def release_detector(net: nn.Module, val: FacePack, folder: Path) -> dict[str, Any]:
    """Write the model folder, with a complete card; returns the figures. Raises ModelError."""
    packs = val.packs
    sources = {str(name) for pack in packs if "source" in pack.arrays for name in pack.arrays["source"].astype("U")}
    card = package(net, replace(detector_card(), data=face_sources(sources), limits=LIMITS), folder)
    figures = evaluate_detector(open_detector(folder, "cpu", "openvino", threads=1), val)
    data = " ".join(f"--data {pack.path.name}" for pack in packs)
    command = f"fer-train detector evaluate {data} --split {SPLIT} --device cpu --runtime openvino --json"
    rewrite_card(replace(card, figures={SPLIT: figures}, command=command), folder)
    return figures
