"""The number of a picture, drawn into its corner: who shows it later, scaled and as JPEG, can tell which it is."""

import numpy as np
from numpy.typing import NDArray

#: Cells of the code in the bottom right corner: a row is eight bits, the most significant first, and one for odd parity.
ROWS, COLUMNS = 4, 9
#: Side of a cell in a picture of 1280 pixels: four pixels are left of it at 320.
CELL = 16
#: Grey of a 0 and of a 1: no more than a program needs, since people look at it too.
LEVELS = (64, 192)


def draw_code(picture: NDArray[np.uint8], number: int) -> None:
    """Draw `number` modulo 2**32 into a picture, (h, w, 3), 1280 pixels wide."""
    rows = np.array(list((number % 2**32).to_bytes(ROWS)), np.uint8)
    bits = np.unpackbits(rows[:, None], axis=1)
    cells = np.concatenate([bits, 1 - bits.sum(1, keepdims=True) % 2], axis=1)
    grey = np.where(cells, LEVELS[1], LEVELS[0]).astype(np.uint8)
    picture[-ROWS * CELL :, -COLUMNS * CELL :] = grey.repeat(CELL, 0).repeat(CELL, 1)[..., None]
