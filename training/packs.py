"""Packs: one .npz file that holds a dataset's pictures as WebP end to end, with their labels beside them."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streams.errors import FerstreamError


class PackError(FerstreamError):
    """A pack is missing, unreadable, or lacks an array or a split."""


class Pack:
    """The arrays of one pack and its pictures.

    Raises PackError where the file cannot be read or lacks one of `required`.
    """

    def __init__(self, path: Path, required: tuple[str, ...]) -> None:
        try:
            with np.load(path, allow_pickle=False) as file:
                self.arrays: dict[str, NDArray[np.generic]] = {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise PackError(f"cannot read the pack {path}: {error}") from error
        missing = {"images", "offsets", "name", "split", *required} - set(self.arrays)
        if missing:
            raise PackError(f"{path} is not the right pack: it lacks {', '.join(sorted(missing))}")
        self.path = path
        self.splits = self.arrays["split"].astype("U")

    def __len__(self) -> int:
        return len(self.splits)

    def indices(self, split: str) -> NDArray[np.int64]:
        """Places of the pictures of `split` (`all` takes every one)."""
        if split == "all":
            return np.arange(len(self))
        places = np.flatnonzero(self.splits == split)
        if not len(places):
            raise PackError(f"{self.path} has no split {split!r}; it has {', '.join(sorted(set(self.splits)))}")
        return places

    def picture(self, index: int, flags: int = cv2.IMREAD_COLOR_RGB) -> NDArray[np.uint8]:
        """Picture `index`: RGB (H, W, 3), or grey (H, W) with cv2.IMREAD_GRAYSCALE.

        Raises PackError where its bytes are no picture.
        """
        offsets = self.arrays["offsets"]
        picture = cv2.imdecode(self.arrays["images"][offsets[index] : offsets[index + 1]], flags)
        if picture is None:
            raise PackError(f"{self.path}: picture {index} cannot be decoded")
        return picture  # type: ignore[return-value]
