"""The matcher that FaceTracker replaced, to hold it against: greedy by overlap, the best pair first (SORT without its motion)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ferstream.consumer.tracking.assignment import iou
from ferstream.consumer.tracking.motion import Box

LEAST_IOU = 0.3


@dataclass
class Greedy:
    """Numbers for the boxes of each frame; a track unseen for `timeout_s` ends."""

    timeout_s: float
    last_number: int = 0
    tracks: dict[int, tuple[float, Box]] = field(default_factory=dict)

    def update(self, now: float, boxes: list[Box]) -> list[int]:
        """The number of each box."""
        self.tracks = {n: (then, box) for n, (then, box) in self.tracks.items() if now - then <= self.timeout_s}
        found: dict[int, int] = {}
        for index, number in self._pairs(boxes):
            if index not in found and number not in found.values():
                found[index] = number
        for index in range(len(boxes)):
            if index not in found:
                self.last_number += 1
                found[index] = self.last_number
            self.tracks[found[index]] = (now, boxes[index])
        return [found[index] for index in range(len(boxes))]

    def _pairs(self, boxes: list[Box]) -> Iterator[tuple[int, int]]:
        if not boxes or not self.tracks:
            return
        numbers = list(self.tracks)
        overlaps = iou(np.array(boxes, float), np.array([self.tracks[number][1] for number in numbers], float))
        for place in np.argsort(-overlaps, axis=None, kind="stable"):
            index, column = np.unravel_index(place, overlaps.shape)
            if overlaps[index, column] >= LEAST_IOU:
                yield int(index), numbers[column]
