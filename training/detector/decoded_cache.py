"""A file of decoded pictures that every process of a fit maps into memory, so that none decodes or holds its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ferstream.streams.service.atomic_file import whole_file

Picture = NDArray[np.uint8]  # (H, W, 3)


class DecodedPictures:
    """The pictures of `picture_of(0)` to `picture_of(count - 1)`, from `path`, which is written if it is not there.

    Raises WriteError where the disk has no room for them.
    """

    def __init__(self, path: Path, count: int, picture_of: Callable[[int], Picture]) -> None:
        index = path.with_suffix(".npy")
        if not index.exists():
            _write(path, index, count, picture_of)
        self._index = np.load(index, allow_pickle=False)  # (count, 3): start, height, width
        self._bytes = np.memmap(path, np.uint8, mode="r")

    def __call__(self, place: int) -> Picture:
        """Picture `place`, read-only."""
        start, height, width = self._index[place]
        return self._bytes[start : start + height * width * 3].reshape(height, width, 3)


def _write(path: Path, index: Path, count: int, picture_of: Callable[[int], Picture]) -> None:
    rows, start = np.empty((count, 3), np.int64), 0
    with whole_file(path) as file:
        for place in tqdm(range(count), desc="decoding", unit="picture", disable=None):
            picture = picture_of(place)
            rows[place] = start, *picture.shape[:2]
            start += file.write(picture.tobytes())
    with whole_file(index) as file:
        np.save(file, rows)
