"""Reads the number that a picture of the demo's cameras (`portraits:`) carries in its corner: which frame is shown?

The number is what the source counts, from 0. A producer numbers the pictures of a source one by one, so that the sequence of a
frame minus the number in it is the same for all frames of a camera from its start to its end.
"""

import numpy as np

from ferstream.producer.sources.frame_code import CELL, COLUMNS, LEVELS, ROWS

#: How far from the grey of a 0 and of a 1 a cell may be.
TOLERANCE = 44


def read_code(rgb: np.ndarray) -> int | None:
    """The number in a picture, (h, w, 3) uint8, of any width from 320 on; None where there is none that can be read for sure."""
    side = CELL * rgb.shape[1] / 1280
    grey = rgb.mean(axis=2)
    cells = np.array([[_cell(grey, row, column, side) for column in range(COLUMNS)] for row in range(ROWS)])
    bits = cells > np.mean(LEVELS)
    wide = np.abs(cells - np.where(bits, LEVELS[1], LEVELS[0])) > TOLERANCE
    if wide.any() or not (bits.sum(1) % 2).all():
        return None
    return int.from_bytes(np.packbits(bits[:, :-1], axis=1).tobytes())


def _cell(grey: np.ndarray, row: int, column: int, side: float) -> float:
    """The mean of the middle of a cell."""
    bottom, right = grey.shape[0] - (ROWS - row) * side, grey.shape[1] - (COLUMNS - column) * side
    ends = [round(start + side * share) for start in (bottom, right) for share in (0.25, 0.75)]
    return float(grey[ends[0] : max(ends[1], ends[0] + 1), ends[2] : max(ends[3], ends[2] + 1)].mean())
