"""Labelled faces that a classifier is measured on, from a prepared dataset or a FER+ pack, read as they are needed."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.streams.service.named_file import as_text
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.classifier.ferplus_pack import FerPlus, Protocol
from ferstream.training.common.dataset_names import CLASSIFIERS_DATA, Dataset, DatasetError
from ferstream.training.common.packs import Pack
from ferstream.training.dataset.prepare.jpeg_store import load
from ferstream.training.dataset.prepare.manifest import Prepared
from ferstream.workers.faces.crop import square_crop

Picture = NDArray[np.uint8]  # (H, W, 3), RGB
Crops = NDArray[np.uint8]  # (n, side, side, 3), RGB

#: Faces a batch, and batches that are read ahead of the net.
BATCH = 32
AHEAD = 3


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces of one split: pictures, each all of one face, their emotions, and what else is known of them."""

    dataset: str  # as the command line names it
    split: str
    splits: tuple[str, ...]  # all that the dataset has
    labels: NDArray[np.int64]  # (n,) as indices of EMOTIONS
    sources: tuple[str, ...]
    origins: tuple[str, ...]  # names within the sources
    groups: tuple[Mapping[str, str], ...]  # annotated groups
    read: Callable[[int], Picture]

    def __len__(self) -> int:
        return len(self.labels)

    def crops(self, side: int, threads: int) -> Iterator[Crops]:
        """Batches of crops as a worker cuts them, in order; `threads` read ahead. Raises PictureStoreError with the path."""
        starts = iter(range(0, len(self), BATCH))
        waiting: deque[Future[Crops]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for start in starts:
                    waiting.append(pool.submit(self._batch, start, side))
                    if len(waiting) >= max(AHEAD, threads):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def crop(self, place: int, side: int) -> Picture:
        """One face as a worker cuts it. Raises PictureStoreError."""
        return cut(self.read(place), side)

    def _batch(self, start: int, side: int) -> Crops:
        return np.stack([self.crop(place, side) for place in range(start, min(len(self), start + BATCH))])

    def digest(self) -> str:
        """A short digest of which faces these are and what they are called: equal where two reports can be compared."""
        rows = "\n".join(map("\t".join, zip(self.sources, self.origins, self.names(), strict=True)))
        return hashlib.sha256(rows.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def names(self) -> list[str]:
        """The emotion of each face."""
        return [EMOTIONS[label] for label in self.labels]

    def other(self, split: str) -> bool:
        """Whether the dataset has this split, and it is not the one that is measured."""
        return split in self.splits and split != self.split

    @classmethod
    def of(cls, dataset: Dataset, split: str, protocol: Protocol) -> Self:
        """The faces of a split; of a FER+ pack those that the protocol keeps. Raises PreparedError, PackError, DatasetError."""
        if dataset.scheme == "avfer":
            return cls.of_prepared(dataset.path, split)
        if dataset.scheme != "ferplus":
            raise DatasetError(f"{dataset.path} is no folder of a prepared dataset: {CLASSIFIERS_DATA}")
        found = cls.of_ferplus(dataset.path, split, protocol)
        if not len(found):
            raise DatasetError(f"{dataset.path}: --protocol {protocol} keeps no face of {split}")
        return found

    @classmethod
    def of_prepared(cls, folder: Path, split: str) -> Self:
        """The faces of a prepared dataset. Raises PreparedError."""
        everything = Prepared.open(folder)
        prepared = everything if split == "all" else everything.of_split(split)
        paths = prepared.paths
        return cls(
            dataset=as_text(folder.resolve().name),
            split=split,
            splits=tuple(everything.split_names()),
            labels=prepared.labels,
            sources=tuple(map(str, prepared.column("source"))),
            origins=tuple(map(str, prepared.column("origin"))),
            groups=tuple(_groups(text) for text in prepared.column("groups")),
            read=lambda place: load(paths[place]),
        )

    @classmethod
    def of_ferplus(cls, path: Path, split: str, protocol: Protocol) -> Self:
        """The faces of a FER+ pack that the protocol keeps, named by their place in the split. Raises PackError."""
        data = FerPlus.open(path, split)
        places, labels = data.labelled(protocol)
        faces = data.faces[places]
        return cls(
            dataset=as_text(path.name),
            split=split,
            splits=tuple(Pack(path, ()).split_names()),
            labels=labels,
            sources=("ferplus",) * len(places),
            origins=tuple(f"{split}:{place}" for place in places),
            groups=({},) * len(places),
            read=lambda place: np.asarray(cv2.cvtColor(faces[place], cv2.COLOR_GRAY2RGB), np.uint8),
        )


def cut(picture: Picture, side: int) -> Picture:
    """A picture (H, W, 3) that is all of one face, as a worker cuts it: (side, side, 3)."""
    whole = np.array([0, 0, picture.shape[1], picture.shape[0]], np.float32)
    return square_crop(picture, whole, side, 0.0)


def _groups(text: str | None) -> dict[str, str]:
    """The annotated groups of a row, a map as the manifest was found to hold."""
    return {as_text(str(kind)): as_text(str(name)) for kind, name in json.loads(text or "{}").items()}
