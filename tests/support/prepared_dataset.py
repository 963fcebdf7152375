"""A small prepared dataset of drawn faces, written at once, for tests that begin where `dataset prepare` ends."""

import hashlib
from pathlib import Path

import numpy as np
import simplejpeg

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.prepare.manifest import Prepared, write_manifest
from tests.support.dataset_trees import face, sized

SOURCES = ("affectnet", "ck+")


def write_prepared(folder: Path, side: int = 32, *, train: int = 6, val: int = 2, test: int = 2) -> Prepared:
    """`train`, `val` and `test` faces of each emotion, of `side` px, from two sources; a third of them with votes and groups."""
    random, rows = np.random.default_rng(0), []
    for split, count in (("train", train), ("val", val), ("test", test)):
        for number in range(count):
            for emotion in EMOTIONS:
                pixels = np.ascontiguousarray(sized(face(emotion, random), side))
                rows.append(_row(folder, pixels, emotion, split, number))
    return write_manifest(folder, rows, {"version": 1, "sources": [{"scheme": name, "name": name} for name in SOURCES]})


def _row(folder: Path, pixels: np.ndarray, emotion: str, split: str, number: int) -> dict[str, object]:
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    source = SOURCES[number % 2]
    path = Path("images") / source / f"{digest[:20]}.jpg"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(simplejpeg.encode_jpeg(pixels, quality=95, colorspace="RGB", colorsubsampling="444"))
    votes = [0.7 if name == emotion else 0.3 / 7 for name in EMOTIONS] if number % 3 == 0 else None
    return {
        "path": str(path),
        "source": source,
        "origin": f"{emotion}/{split}-{number}.png",
        "sha256": digest,
        "phash": bytes.fromhex(digest[:16]),
        "emotion": emotion,
        "split": split,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "grey": False,
        "subject": f"S{number:03d}" if source == "ck+" else None,
        "votes": votes,
        "groups": '{"age": "20-39"}' if number % 3 == 0 else "{}",
        "copy": 0,
    }
