"""What a training picture shows: boxes, landmarks where a teacher saw them, and faces that are not to be asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferstream.workers.models.nets.anchors import LANDMARKS, box_sides

Float = NDArray[np.float32]

#: Seen in a mirror, a right eye is a left one.
MIRRORED = (1, 0, 2, 4, 3)


@dataclass(frozen=True, slots=True)
class FaceLabels:
    """Faces of one picture, in its pixels: `boxes` xyxy (n, 4), `landmarks` (n, 5, 2), not a number where nobody knows them.

    `ignored` (n,) marks faces that are neither asked for nor held against the net.
    """

    boxes: Float
    landmarks: Float
    ignored: NDArray[np.bool_]

    @classmethod
    def of(cls, boxes: Float) -> "FaceLabels":
        """Boxes alone."""
        return cls(boxes, np.full((len(boxes), LANDMARKS, 2), np.nan, np.float32), np.zeros(len(boxes), bool))

    @classmethod
    def joined(cls, parts: "list[FaceLabels]") -> "FaceLabels":
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def without(self, face: int) -> "FaceLabels":
        """All but one face."""
        return FaceLabels(*(np.delete(getattr(self, name), face, axis=0) for name in self.__slots__))

    def __len__(self) -> int:
        return len(self.boxes)

    def sides(self) -> Float:
        """Square roots of the boxes' areas."""
        return box_sides(self.boxes)

    def scaled(self, factor: float, shift: tuple[float, float] = (0.0, 0.0)) -> "FaceLabels":
        move = np.array(shift, np.float32)
        return FaceLabels(self.boxes * factor + np.tile(move, 2), self.landmarks * factor + move, self.ignored)

    def moved(self, matrix: NDArray[np.float64], scale: float) -> "FaceLabels":
        """Under an affine `matrix` (2, 3) of that scale; boxes stay upright and keep their proportions."""
        centres = (self.boxes[:, :2] + self.boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
        halves = (self.boxes[:, 2:] - self.boxes[:, :2]) * scale / 2
        landmarks = self.landmarks @ matrix[:, :2].T + matrix[:, 2]
        boxes = np.concatenate([centres - halves, centres + halves], 1)
        return FaceLabels(boxes.astype(np.float32), landmarks.astype(np.float32), self.ignored)

    def within(self, size: int) -> "FaceLabels":
        """The faces whose centre is in a view of `size` x `size`, clipped to it."""
        centre = (self.boxes[:, :2] + self.boxes[:, 2:]) / 2
        kept = ((centre > 0) & (centre < size)).all(axis=1)
        return FaceLabels(self.boxes[kept].clip(0, size), self.landmarks[kept], self.ignored[kept])

    def flipped(self, width: int) -> "FaceLabels":
        x0, y0, x1, y1 = self.boxes.T
        landmarks = self.landmarks[:, MIRRORED] * np.array([-1, 1], np.float32) + np.array([width, 0], np.float32)
        return FaceLabels(np.stack([width - x1, y0, width - x0, y1], 1), landmarks, self.ignored)
