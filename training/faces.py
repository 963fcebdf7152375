"""The face packs as the detector trains on them: pictures moved, zoomed, turned and disturbed, with their boxes."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from training.packs import Pack
from workers.models.anchors import Levels, anchor_boxes, encode_boxes, overlaps

Picture = NDArray[np.uint8]
Boxes = NDArray[np.float32]

#: A face below this side, in pixels of the net's input, is neither asked for nor held against the net.
SMALLEST_SIDE = 6.0
NEGATIVE, IGNORED = 0.0, -1.0


@dataclass(frozen=True, slots=True)
class FacePack:
    """Pictures and face boxes of one or more packs."""

    packs: tuple[Pack, ...]
    places: tuple[tuple[int, int], ...]  # (pack, picture)

    @classmethod
    def open(cls, paths: tuple[Path, ...], split: str) -> "FacePack":
        packs = tuple(Pack(path, ("boxes_xyxy", "box_offsets")) for path in paths)
        return cls(packs, tuple((p, int(i)) for p, pack in enumerate(packs) for i in pack.indices(split)))

    def __len__(self) -> int:
        return len(self.places)

    def picture(self, index: int) -> Picture:
        pack, place = self.places[index]
        return self.packs[pack].picture(place)

    def boxes(self, index: int) -> Boxes:
        pack, place = self.places[index]
        arrays = self.packs[pack].arrays
        start, end = arrays["box_offsets"][place : place + 2]
        return np.asarray(arrays["boxes_xyxy"][start:end], np.float32)


def zoom_and_turn(picture: Picture, boxes: Boxes, size: int, random: np.random.Generator) -> tuple[Picture, Boxes]:
    """A `size` x `size` view of the picture in which one face, if there is one, has a side drawn from 10 to 220 px."""
    height, width = picture.shape[:2]
    if len(boxes) and random.random() < 0.8:
        box = boxes[random.integers(len(boxes))]
        side = max(float(np.sqrt((box[2:] - box[:2]).prod())), 1.0)
        scale = np.exp(random.uniform(np.log(10), np.log(220))) / side
        # Never so small that the picture fills less than half of the view, nor so large that a face outgrows it.
        scale = float(np.clip(scale, 0.5 * size / max(height, width), max(1.0, min(3.0, 0.9 * size / side))))
        centre = (box[:2] + box[2:]) / 2
        aim = np.array([random.uniform(0.2, 0.8), random.uniform(0.2, 0.8)]) * size
    else:
        scale = float(np.exp(random.uniform(np.log(0.6), np.log(1.6)))) * size / max(height, width)
        centre, aim = np.array([width / 2, height / 2]), np.full(2, size / 2) + random.uniform(-0.2, 0.2, 2) * size
    if scale < 0.6:  # an affine warp alone would alias
        reduce = max(scale * 1.2, 0.1)
        picture = cv2.resize(picture, None, fx=reduce, fy=reduce, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        boxes, centre, scale = boxes * reduce, centre * reduce, scale / reduce
    angle = random.uniform(-20, 20) if random.random() < 0.5 else 0.0
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale)
    matrix[:, 2] += aim - centre
    fill = [int(v) for v in random.integers(0, 256, 3)]
    view = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=fill)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    halves = (boxes[:, 2:] - boxes[:, :2]) * scale / 2
    return view, np.concatenate([centres - halves, centres + halves], 1).astype(np.float32)  # type: ignore[return-value]


def mosaic(parts: list[tuple[Picture, Boxes]], size: int) -> tuple[Picture, Boxes]:
    """Four views of half the size in one picture: small faces, many contexts (Bochkovskiy et al. 2020, https://arxiv.org/abs/2004.10934)."""
    half = size // 2
    canvas = np.empty((size, size, 3), np.uint8)
    moved = []
    for corner, (view, boxes) in enumerate(parts):
        x, y = corner % 2 * half, corner // 2 * half
        canvas[y : y + half, x : x + half] = cv2.resize(view, (half, half), interpolation=cv2.INTER_AREA)
        inside = _inside(boxes, size) * 0.5
        moved.append(inside + np.array([x, y, x, y], np.float32))
    return canvas, np.concatenate(moved).astype(np.float32)


def _inside(boxes: Boxes, size: int) -> Boxes:
    """The boxes whose centre is in the view, clipped to it."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    kept = ((centre > 0) & (centre < size)).all(axis=1)
    return boxes[kept].clip(0, size)


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
        noise = random.normal(0, random.uniform(3, 12), picture.shape)
        picture = (picture + noise).clip(0, 255).astype(np.uint8)
    return picture


def match(boxes: Boxes, size: int, levels: Levels) -> tuple[Boxes, Boxes]:
    """Targets of every anchor: 1 for a face, 0 for none, -1 for neither (A,), and box offsets (A, 4).

    An anchor is a face's at IoU 0.35 or more; the best anchor of every face is its own whatever the overlap.
    """
    anchors = anchor_boxes(size, size, levels)
    objectness = np.full(len(anchors), NEGATIVE, np.float32)
    offsets = np.zeros((len(anchors), 4), np.float32)
    if not len(boxes):
        return objectness, offsets
    half = anchors[:, 2:] / 2
    iou = overlaps(np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], 1), boxes)  # (A, boxes)
    large = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) >= SMALLEST_SIDE
    best_iou, best_box = iou.max(axis=1), iou.argmax(axis=1)
    chosen = best_iou >= 0.35
    for box in np.flatnonzero(large):
        anchor = iou[:, box].argmax()
        chosen[anchor], best_box[anchor] = True, box
    positive = chosen & large[best_box]
    objectness[(best_iou >= 0.25) & ~positive] = IGNORED
    small = boxes[~large]
    if len(small):  # anchors whose centre lies near a face too small to ask for
        centre = (small[:, :2] + small[:, 2:]) / 2
        near = (np.abs(anchors[:, None, :2] - centre[None]) < SMALLEST_SIDE).all(axis=2).any(axis=1)
        objectness[near & ~positive] = IGNORED
    objectness[positive] = 1.0
    offsets[positive] = encode_boxes(boxes[best_box[positive]], anchors[positive])
    return objectness, offsets


class FaceViews(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Training samples: picture (3, size, size) uint8, objectness (A,), offsets (A, 4).

    The same seed, epoch and index give the same sample.
    """

    def __init__(self, faces: FacePack, size: int, levels: Levels, seed: int) -> None:
        self.faces, self.size, self.levels, self.seed = faces, size, levels, seed
        self.epoch = 0
        self.boxes = [faces.boxes(i) for i in range(len(faces))]

    def __len__(self) -> int:
        return len(self.faces)

    def _view(self, index: int, random: np.random.Generator) -> tuple[Picture, Boxes]:
        view, boxes = zoom_and_turn(self.faces.picture(index), self.boxes[index], self.size, random)
        return view, _inside(boxes, self.size)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        random = np.random.default_rng((self.seed, self.epoch, index))
        if random.random() < 0.15:
            others = [index, *random.integers(0, len(self), 3)]
            picture, boxes = mosaic([self._view(int(i), random) for i in others], self.size)
        else:
            picture, boxes = self._view(index, random)
        if random.random() < 0.5:
            picture = picture[:, ::-1]
            boxes = np.stack([self.size - boxes[:, 2], boxes[:, 1], self.size - boxes[:, 0], boxes[:, 3]], 1)
        picture = disturb(np.ascontiguousarray(picture), random)
        objectness, offsets = match(boxes, self.size, self.levels)
        return torch.from_numpy(picture.transpose(2, 0, 1).copy()), torch.from_numpy(objectness), torch.from_numpy(offsets)
