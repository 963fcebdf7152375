"""Packs: one .npz file that holds a dataset's pictures as WebP end to end, with their labels beside them."""

import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError


class PackError(FerstreamError):
    """A pack is missing, unreadable, or lacks an array or a split."""


class Pack:
    """The arrays of one pack and its pictures.

    Raises PackError where the file cannot be read or lacks one of `required`.
    """

    def __init__(self, path: Path, required: tuple[str, ...]) -> None:
        self.path = path
        self.arrays = _arrays(path)
        missing = {"images", "offsets", "name", "split", *required} - set(self.arrays)
        if missing:
            raise PackError(f"{path} is not the right pack: it lacks {', '.join(sorted(missing))}")
        self.splits = self.arrays["split"].astype("U")

    def __len__(self) -> int:
        return len(self.splits)

    def indices(self, split: str) -> NDArray[np.int64]:
        """Places of the pictures of `split` (`all` takes every one)."""
        if split == "all":
            return np.arange(len(self))
        places = np.flatnonzero(self.splits == split)
        if not len(places):
            raise PackError(f"{self.path} has no split {split!r}; it has {', '.join(self.split_names())}")
        return places

    def split_names(self) -> list[str]:
        return sorted({str(split) for split in self.splits})

    def picture(self, index: int, flags: int = cv2.IMREAD_COLOR_RGB) -> NDArray[np.uint8]:
        """Picture `index`: RGB (H, W, 3), or grey (H, W) with cv2.IMREAD_GRAYSCALE.

        Raises PackError where its bytes are no picture.
        """
        offsets = self.arrays["offsets"]
        data = np.asarray(self.arrays["images"], np.uint8)[offsets[index] : offsets[index + 1]]
        try:
            picture = cv2.imdecode(data, flags) if len(data) else None
        except cv2.error:  # a header that claims more pixels than OpenCV reads
            picture = None
        if picture is None:
            raise PackError(f"{self.path}: picture {index} cannot be decoded")
        return picture  # type: ignore[return-value]


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as stream:  # numpy leaves a file of its own open where it is broken
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, NpzFile):
                raise PackError(f"{path} is not a pack: it holds one array")
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise PackError(f"there is no pack {path}") from error
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise PackError(f"cannot read the pack {path}: {error}") from error
