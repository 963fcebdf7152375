"""The face packs: pictures and the boxes of their faces."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ferstream.training.common.packs import Pack, PackError
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.models.nets.anchors import box_sides

Picture = NDArray[np.uint8]
Boxes = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FacePack:
    """Pictures and face boxes of one or more packs."""

    packs: tuple[Pack, ...]
    places: tuple[tuple[int, int], ...]  # (pack, picture)

    @classmethod
    def open(cls, paths: tuple[Path, ...], split: str) -> "FacePack":
        """The pictures of a split (`all` takes every one) of all packs, in their order. Raises PackError."""
        packs = tuple(Pack(path, ("boxes_xyxy", "box_offsets")) for path in paths)
        for pack in packs:
            _check_boxes(pack)
        return cls(packs, tuple((p, int(i)) for p, pack in enumerate(packs) for i in pack.indices(split)))

    def __len__(self) -> int:
        return len(self.places)

    def picture(self, index: int) -> Picture:
        """The picture as RGB (H, W, 3). Raises PackError."""
        pack, place = self.places[index]
        return self.packs[pack].picture(place)

    def boxes(self, index: int) -> Boxes:
        """The boxes of its faces, xyxy (n, 4) in pixels."""
        pack, place = self.places[index]
        arrays = self.packs[pack].arrays
        start, end = arrays["box_offsets"][place : place + 2]
        return np.asarray(arrays["boxes_xyxy"][start:end], np.float32)

    def long_side(self, index: int) -> int:
        """The longer side of the picture, in pixels."""
        return int(max(self.picture(index).shape[:2]))

    def occluded(self, index: int) -> NDArray[np.bool_]:
        """Which of its faces a mask or a hand covers; none where the pack does not say."""
        pack, place = self.places[index]
        arrays = self.packs[pack].arrays
        start, end = arrays["box_offsets"][place : place + 2]
        return np.asarray(arrays["occluded"][start:end] if "occluded" in arrays else np.zeros(end - start), np.bool_)

    def sources(self) -> set[str]:
        """Names of the sources of the packs; a pack that does not say is its own."""
        named = (pack.arrays["source"].astype("U") if "source" in pack.arrays else [pack.path.name] for pack in self.packs)
        return {str(name) for names in named for name in names}


def _check_boxes(pack: Pack) -> None:
    """Raises PackError where a box is not a number or has no side, or the boxes do not belong to the pictures."""
    boxes, offsets = np.asarray(pack.arrays["boxes_xyxy"], np.float32), np.asarray(pack.arrays["box_offsets"], np.int64)
    if boxes.shape[1:] != (4,) or len(offsets) != len(pack) + 1 or offsets[0] != 0 or offsets[-1] != len(boxes):
        raise PackError(f"{pack.path}: boxes_xyxy {boxes.shape} and box_offsets {offsets.shape} do not fit {len(pack)} pictures")
    wrong = ~(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    if wrong.any():
        box = int(np.flatnonzero(wrong)[0])
        picture = int(np.searchsorted(offsets, box, side="right")) - 1
        raise PackError(f"{pack.path}: a box of picture {picture} has no side or is not a number: {boxes[box].tolist()}")


#: Smaller faces show too little at the classifier's size.
LEAST_SIDE = 32.0


def cut_faces(faces: FacePack, size: int, margin: float) -> NDArray[np.uint8]:
    """Crops (n, size, size, 3) of the faces that nothing covers, around their labelled boxes; it may be none."""
    crops = []
    for i in range(len(faces)):
        boxes = faces.boxes(i)
        chosen = boxes[(box_sides(boxes) >= LEAST_SIDE) & ~faces.occluded(i)]
        if len(chosen):
            picture = faces.picture(i)
            crops += [square_crop(picture, box, size, margin) for box in chosen]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
