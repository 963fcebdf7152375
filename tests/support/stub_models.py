"""Models that find what a test wants and fail when it wants: of a picture that is 16 + N pixels wide they find N faces."""

from collections.abc import Callable, Sequence

import numpy as np
import simplejpeg

from ferstream.workers.models.card import PACKAGED, ModelCard
from ferstream.workers.models.detector import NO_BOXES, Boxes

BARE = 16


def picture_of(faces: int) -> bytes:
    """The JPEG of a frame in which the stub finds so many."""
    return simplejpeg.encode_jpeg(np.zeros((16, BARE + faces, 3), np.uint8))


class StubDetector:
    device, library, precision = "cpu", "stub", "f32"

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.card, self._before = ModelCard.read(PACKAGED["detector"]), before

    def __call__(self, pictures: Sequence[np.ndarray]) -> list[Boxes]:
        self._before()
        return [_boxes(picture.shape[1] - BARE) for picture in pictures]


class StubClassifier:
    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.card, self._before = ModelCard.read(PACKAGED["classifier"]), before

    def each(self, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
        self._before()
        return [np.full(8, 1 / 8, np.float32)] * len(crops)


def _boxes(count: int) -> Boxes:
    if not count:
        return NO_BOXES
    box, nowhere = np.array([0, 0, 8, 8], np.float32), np.full((count, 5, 2), np.nan, np.float32)
    return Boxes(np.tile(box, (count, 1)), np.full(count, 0.9, np.float32), nowhere)
