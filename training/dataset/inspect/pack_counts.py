"""Counts of what a FER+ or face pack holds."""

from collections import Counter
from typing import Any

import numpy as np

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.classifier.ferplus_pack import PROTOCOLS, FerPlus
from ferstream.training.common.dataset_names import Dataset
from ferstream.training.common.packs import Pack
from ferstream.workers.models.nets.anchors import box_sides


def inspect(dataset: Dataset) -> dict[str, dict[str, Any]]:
    """Counts of pictures and of their labels, by split. Raises PackError."""
    count = _ferplus if dataset.scheme == "ferplus" else _faces
    pack = Pack(dataset.path, ())
    return {split: count(dataset, pack, split) for split in pack.split_names()}


def _ferplus(dataset: Dataset, _pack: Pack, split: str) -> dict[str, Any]:
    data = FerPlus.open(dataset.path, split, pictures=False)
    counts: dict[str, Any] = {"pictures": len(data.votes)}
    for protocol in PROTOCOLS:
        _, labels = data.labelled(protocol)
        by_class = np.bincount(labels, minlength=len(EMOTIONS))
        counts[protocol] = {"faces": len(labels)} | {name: int(n) for name, n in zip(EMOTIONS, by_class, strict=True)}
    return counts


def _faces(dataset: Dataset, _pack: Pack, split: str) -> dict[str, Any]:
    pack = Pack(dataset.path, ("boxes_xyxy", "box_offsets", "source"))
    places = pack.indices(split)
    offsets, boxes = pack.arrays["box_offsets"], np.asarray(pack.arrays["boxes_xyxy"], np.float32)
    spans = [boxes[offsets[i] : offsets[i + 1]] for i in places]
    sides = box_sides(np.concatenate(spans))
    sources = Counter(str(name) for name in pack.arrays["source"].astype("U")[places])
    return {
        "pictures": len(places),
        "without_faces": sum(not len(span) for span in spans),
        "faces": len(sides),
        "faces_side24": int((sides >= 24).sum()),
        "faces_side48": int((sides >= 48).sum()),
        "sources": dict(sorted(sources.items())),
    }
