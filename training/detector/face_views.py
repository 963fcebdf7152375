"""The face packs as the detector trains on them: pictures moved, zoomed, turned and disturbed, with their faces."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ferstream.training.detector.anchor_matching import match
from ferstream.training.detector.backs_of_heads import turn_away
from ferstream.training.detector.face_labels import FaceLabels
from ferstream.workers.models.detector import ALIASES_BELOW
from ferstream.workers.models.nets.anchors import Levels

Picture = NDArray[np.uint8]

#: Sides that a face is zoomed to, in pixels of the net's input.
ZOOMED_SIDES = (10, 220)
#: Long side of a picture in service.
SERVED_SIDE = 320
#: Share of the views in which one face is turned away.
TURNED_AWAY = 0.08


def zoom_and_turn(picture: Picture, labels: FaceLabels, size: int, random: np.random.Generator) -> tuple[Picture, FaceLabels]:
    """A `size` x `size` view of the picture, turned by up to 20 degrees.

    In half of the views one face, if there is one, gets a side drawn from 10 to 220 px; in the others the picture has about the
    scale of service, and the view is any part of it.
    """
    if len(labels) and random.random() < 0.5:
        scale, centre, aim = _zoom_to_a_face(picture, labels, size, random)
    else:
        scale, centre, aim = _as_served(picture, size, random)
    if scale < ALIASES_BELOW:  # an affine warp alone would
        reduce = max(scale * 1.2, 0.1)
        reduced = [max(1, round(side * reduce)) for side in picture.shape[1::-1]]
        picture = np.asarray(cv2.resize(picture, reduced, interpolation=cv2.INTER_AREA), np.uint8)
        labels, centre, scale = labels.scaled(reduce), centre * reduce, scale / reduce
    angle = random.uniform(-20, 20) if random.random() < 0.5 else 0.0
    matrix = np.asarray(cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale), np.float64)
    matrix[:, 2] += aim - centre
    fill = [int(v) for v in random.integers(0, 256, 3)] if random.random() < 0.5 else [0, 0, 0]  # a worker pads with black
    view = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=fill)
    return np.asarray(view, np.uint8), labels.moved(matrix, scale)


def _zoom_to_a_face(
    picture: Picture, labels: FaceLabels, size: int, random: np.random.Generator
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Scale, a point of the picture, and where in the view it comes to lie."""
    face = random.integers(len(labels))
    box, side = labels.boxes[face], max(float(labels.sides()[face]), 1.0)
    scale = np.exp(random.uniform(*np.log(ZOOMED_SIDES))) / side
    # Never so small that the picture fills less than half of the view, nor so large that a face outgrows it.
    scale = float(np.clip(scale, 0.5 * size / max(picture.shape[:2]), max(1.0, min(3.0, 0.9 * size / side))))
    return scale, np.asarray((box[:2] + box[2:]) / 2, np.float64), random.uniform(0.15, 0.85, 2) * size


def _as_served(
    picture: Picture, size: int, random: np.random.Generator
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    shape = np.array(picture.shape[1::-1], np.float64)
    scale = float(np.exp(random.uniform(np.log(0.7), np.log(1.4)))) * SERVED_SIDE / max(shape)
    room = size - shape * scale  # where it is negative, part of the picture is cut off
    return scale, np.zeros(2), random.uniform(0, 1, 2) * room


def mosaic(parts: list[tuple[Picture, FaceLabels]], size: int) -> tuple[Picture, FaceLabels]:
    """Four views of half the size in one picture: small faces, many contexts (Bochkovskiy et al. 2020, https://arxiv.org/abs/2004.10934)."""
    half = size // 2
    canvas = np.empty((size, size, 3), np.uint8)
    moved = []
    for corner, (view, labels) in enumerate(parts):
        x, y = corner % 2 * half, corner // 2 * half
        canvas[y : y + half, x : x + half] = cv2.resize(view, (half, half), interpolation=cv2.INTER_AREA)
        moved.append(labels.within(size).scaled(0.5, (x, y)))
    return canvas, FaceLabels.joined(moved)


def disturb(picture: Picture, random: np.random.Generator) -> Picture:
    """What cameras do: brightness, contrast, tint, grey, blur, JPEG, noise of low light."""
    gain = random.uniform(0.6, 1.4) if random.random() < 0.7 else random.uniform(0.2, 0.6)
    tint = random.uniform(0.85, 1.15, 3) * gain if random.random() < 0.5 else np.full(3, gain)
    table = np.arange(256)[:, None] * tint[None] + random.uniform(-25, 25)
    picture = cv2.LUT(picture, table.clip(0, 255).astype(np.uint8)[None])  # type: ignore[assignment]
    if random.random() < 0.2:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if random.random() < 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 1.5))  # type: ignore[assignment]
    if random.random() < 0.2:
        _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 80))])
        picture = cv2.imdecode(code, cv2.IMREAD_UNCHANGED)  # type: ignore[assignment]
    if random.random() < 0.1:
        noise = random.standard_normal(picture.shape, np.float32) * np.float32(random.uniform(3, 12))
        picture = (picture + noise).clip(0, 255).astype(np.uint8)
    return picture


class FaceViews(Dataset[tuple[Tensor, ...]]):
    """Training samples: picture (size, size, 3) uint8, objectness (A,), offsets (A, 4), landmarks (A, 10).

    `picture_of` gives the picture of each of `labels`. The same seed, epoch and index give the same sample.
    """

    def __init__(
        self, picture_of: Callable[[int], Picture], labels: list[FaceLabels], size: int, levels: Levels, seed: int
    ) -> None:
        self.picture_of, self.labels = picture_of, labels
        self.size, self.levels, self.seed = size, levels, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.labels)

    def _view(self, index: int, random: np.random.Generator) -> tuple[Picture, FaceLabels]:
        picture, labels = self.picture_of(index), self.labels[index]
        if random.random() < TURNED_AWAY:
            picture, labels = turn_away(picture, labels, random)
        view, labels = zoom_and_turn(picture, labels, self.size, random)
        return view, labels.within(self.size)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        random = np.random.default_rng((self.seed, self.epoch, index))
        if random.random() < 0.15:
            others = [index, *random.integers(0, len(self), 3)]
            picture, labels = mosaic([self._view(int(i), random) for i in others], self.size)
        else:
            picture, labels = self._view(index, random)
        if random.random() < 0.5:
            picture, labels = picture[:, ::-1], labels.flipped(self.size)
        picture = disturb(np.ascontiguousarray(picture), random)
        targets = match(labels, self.size, self.levels)
        return (
            torch.from_numpy(picture),
            *(torch.from_numpy(part) for part in (targets.objectness, targets.offsets, targets.landmarks)),
        )
