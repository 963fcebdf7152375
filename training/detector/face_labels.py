"""Labels of a training picture: boxes, landmarks where a teacher found them, and faces that the loss ignores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferstream.workers.models.nets.anchors import LANDMARKS, box_sides

Float = NDArray[np.float32]

#: Where each landmark stands after a flip, which exchanges left and right eyes and corners of the mouth.
MIRRORED = (1, 0, 2, 4, 3)


@dataclass(frozen=True, slots=True)
class FaceLabels:
    """Faces of one picture, in its pixels: `boxes` xyxy (n, 4), `landmarks` (n, 5, 2), nan where they are not known.

    `ignored` (n,) marks faces that count neither as positives nor as negatives.
    """

    boxes: Float
    landmarks: Float
    ignored: NDArray[np.bool_]

    @classmethod
    def of(cls, boxes: Float) -> "FaceLabels":
        """Labels of boxes without landmarks, none of them ignored."""
        return cls(boxes, np.full((len(boxes), LANDMARKS, 2), np.nan, np.float32), np.zeros(len(boxes), bool))

    @classmethod
    def joined(cls, parts: "list[FaceLabels]") -> "FaceLabels":
        """The faces of several labels of one picture, in order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def without(self, face: int) -> "FaceLabels":
        """A copy without one of the faces."""
        return FaceLabels(*(np.delete(getattr(self, name), face, axis=0) for name in self.__slots__))

    def __len__(self) -> int:
        return len(self.boxes)

    def sides(self) -> Float:
        """Square roots of the boxes' areas."""
        return box_sides(self.boxes)

    def scaled(self, factor: float, shift: tuple[float, float] = (0.0, 0.0)) -> "FaceLabels":
        """The faces of a picture that is scaled by `factor`, then shifted by (x, y) pixels."""
        move = np.array(shift, np.float32)
        return FaceLabels(self.boxes * factor + np.tile(move, 2), self.landmarks * factor + move, self.ignored)

    def moved(self, matrix: NDArray[np.float64], scale: float) -> "FaceLabels":
        """The faces under an affine `matrix` (2, 3) of that scale; boxes stay upright and keep their proportions."""
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
        """The faces of a picture of that width that is mirrored left to right."""
        x0, y0, x1, y1 = self.boxes.T
        landmarks = self.landmarks[:, MIRRORED] * np.array([-1, 1], np.float32) + np.array([width, 0], np.float32)
        return FaceLabels(np.stack([width - x1, y0, width - x0, y1], 1), landmarks, self.ignored)
