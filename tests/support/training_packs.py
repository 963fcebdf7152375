"""Packs for the tests of training: tiny ones made on the spot, and the real ones where they are."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.paths import DATA

COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "not_face")


def real_pack(name: str) -> Path:
    """A pack of the data folder; where it is missing the test is skipped, and in CI it fails."""
    return _shared(name, "", "data")


def shared_models() -> Path:
    """The folder of published models, in the data folder; where it is missing the test is skipped, and in CI it fails."""
    return _shared("models", "")


def _shared(name: str, *folders: str) -> Path:
    shared = DATA
    path = next((path for path in (shared / folder / name for folder in folders) if path.exists()), None)
    if path is None:
        reason = f"needs {name}: set FER_DATA_DIR to the folder that holds it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def write_pack(path: Path, pictures: list[np.ndarray], splits: list[str], **arrays: np.ndarray) -> Path:
    """A pack of `pictures`, as the real ones are written."""
    codes = [cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].ravel() for picture in pictures]
    np.savez(
        path,
        images=np.concatenate(codes),
        offsets=np.cumsum([0, *map(len, codes)]),
        name=np.array([f"picture {i}" for i in range(len(pictures))], "S"),
        split=np.array(splits, "S"),
        **arrays,
    )
    return path


def write_ferplus(path: Path, train: int = 24, val: int = 16) -> Path:
    """Grey noise of 48 px whose brightness gives the emotion away."""
    random = np.random.default_rng(0)
    emotion = np.arange(train + val) % 8
    pictures = [(random.integers(0, 60, (48, 48)) + 24 * e).astype(np.uint8) for e in emotion]
    votes = np.zeros((train + val, 10), np.uint8)
    votes[np.arange(train + val), emotion] = 8
    votes[:, 8] = 2
    return write_pack(path, pictures, ["train"] * train + ["val"] * val, votes=votes, vote_columns=np.array(COLUMNS, "S"))


def write_faces(path: Path, train: int = 6, val: int = 3) -> Path:
    """Noise of 120x160 px with a bright square for a face, but for the last picture of each split."""
    random = np.random.default_rng(0)
    pictures, boxes, offsets = [], [], [0]
    for i in range(train + val):
        picture = random.integers(0, 120, (120, 160, 3)).astype(np.uint8)
        if i not in (train - 1, train + val - 1):
            left, top, side = int(random.integers(0, 90)), int(random.integers(0, 50)), int(random.integers(30, 60))
            picture[top : top + side, left : left + side] += 120
            boxes.append([left, top, left + side, top + side])
        pictures.append(picture)
        offsets.append(len(boxes))
    return write_pack(
        path,
        pictures,
        ["train"] * train + ["val"] * val,
        boxes_xyxy=np.array(boxes, np.float32),
        box_offsets=np.array(offsets),
        source=np.array(["coco"] * (train + val), "S"),
    )
