"""Faces made unrecognisable in a picture that leaves the worker."""

import math
import threading
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.workers.models.detector import Boxes, Picture
from ferstream.workers.pipeline.scaling import shrunk

#: What is pixelated is the face's box, grown on each side by this share of it: hair, ears and chin tell who somebody is, too.
MARGIN = 0.25
#: Blocks along the longer side of that, at most, and pixels of a block, at least.
BLOCKS, BLOCK_PX = 8, 4
#: A face stays pixelated for so long where it was found, since the detector may miss it in the next frame; of what was found in
#: between, so far apart.
KEPT_S, STEP_S = 1.0, 0.2
#: More cameras than this are looked through for those that nobody looks at any more.
CAMERAS = 64


@dataclass(frozen=True, slots=True)
class _Found:
    """Where faces were in a frame, xyxy (n, 4) as shares of its sides."""

    captured_at: float
    places: NDArray[np.float32]

    def is_near(self, other: "_Found") -> bool:
        return abs(self.captured_at - other.captured_at) <= KEPT_S


class FaceBlur:
    """Knows where the faces of each camera were in the last second, and pixelates them. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, list[_Found]] = {}  # the newest last

    def saw(self, camera_id: str, captured_at: float, picture: Picture, boxes: Boxes) -> None:
        """These faces were found in a frame of a camera."""
        height, width = picture.shape[:2]
        new = _Found(captured_at, np.asarray(boxes.xyxy / (width, height, width, height), np.float32))
        with self._lock:
            kept = [one for one in self._found.get(camera_id, []) if new.is_near(one)]
            if len(kept) > 1 and kept[-1].captured_at - kept[-2].captured_at < STEP_S:
                kept.pop()
            self._found[camera_id] = [*kept, new]
            if len(self._found) > CAMERAS:
                self._found = {name: found for name, found in self._found.items() if new.is_near(found[-1])}

    def blurred(self, camera_id: str, picture: Picture) -> Picture:
        """A copy of the picture, of any size, of a camera's last frame."""
        copy = picture.copy()
        height, width = copy.shape[:2]
        with self._lock:
            found = self._found.get(camera_id, [])
        for one in found:
            for place in one.places * np.array([width, height, width, height], np.float32):
                pixelate(copy, place)
        return copy


def pixelate(picture: Picture, box_xyxy: NDArray[np.float32]) -> None:
    """Make the grown box of `picture`, in its pixels, a few blocks, each about the mean of what it covers: no way leads back."""
    x0, y0, x1, y1 = (float(value) for value in box_xyxy)
    across, down = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    left, top = max(0, math.floor(x0 - across)), max(0, math.floor(y0 - down))
    face = picture[top : max(0, math.ceil(y1 + down)), left : max(0, math.ceil(x1 + across))]
    height, width = face.shape[:2]
    if not face.size:
        return
    block_px = max(BLOCK_PX, max(height, width) / BLOCKS)
    blocks = (max(1, int(width / block_px)), max(1, int(height / block_px)))
    face[:] = cv2.resize(shrunk(face, *blocks), (width, height), interpolation=cv2.INTER_NEAREST)
