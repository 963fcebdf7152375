"""Faces and their apparent expressions in pictures of one's own: no stream, no Redis, no torch."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from os import PathLike
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from ferstream.streams.wire.messages import Face
from ferstream.workers.faces.crop import FaceCrop, cut_faces
from ferstream.workers.faces.picture import PictureLike, as_picture
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.detector import Detector
from ferstream.workers.models.registry import RuntimeName, open_classifier, open_detector
from ferstream.workers.models.runtimes.runtime import OomRetry, Precision
from ferstream.workers.settings import default_threads

T = TypeVar("T")
R = TypeVar("R")


class FaceRecognizer:
    """Finds the faces in pictures and names their apparent expression, by the steps that a worker takes.

    Made once and called often: opening it reads both models, and its threads stay until it goes. Safe to call from several
    threads, which then share those.

    Example:
        >>> from skimage import data
        >>> from ferstream import FaceRecognizer
        >>> recognizer = FaceRecognizer.open(device="cpu")
        >>> [faces] = recognizer(data.astronaut())
        >>> [face.emotion for face in faces]
        ['happiness']
        >>> [round(value) for value in faces[0].landmarks[2]]  # the tip of the nose
        [223, 127]
    """

    def __init__(
        self,
        detector: Detector,
        classifier: Classifier,
        *,
        threads: int = 1,
        detect_batch_size: int = 8,
        max_batch_size: int = 32,
    ) -> None:
        """Of two models that are open already; `open` is the usual way.

        Args:
            detector: Finds the faces.
            classifier: Names their expressions.
            threads: Batches that are computed side by side; on a GPU it is one, whatever is said here.
            detect_batch_size: Pictures in one call of the detector, at most.
            max_batch_size: Faces in one call of the classifier, at most.
        """
        self.detector, self.classifier = detector, classifier
        # On a GPU one thread keeps the device fed: smaller batches side by side would wait for each other.
        self._threads = 1 if detector.device.startswith("cuda") else threads
        # Kept, since each thread has inference requests of its own. They start when needed and end with this object.
        self._pool = ThreadPoolExecutor(self._threads, "ferstream-faces")
        self._detect_retry = OomRetry("detector", detect_batch_size)
        self._classify_retry = OomRetry("classifier", max_batch_size)

    @classmethod
    def open(
        cls,
        device: str = "auto",
        runtime: RuntimeName = "auto",
        precision: Precision = "f32",
        detector: str | PathLike[str] | None = None,
        classifier: str | PathLike[str] | None = None,
        threads: int | None = None,
    ) -> Self:
        """Open both models.

        Args:
            device: `auto` (a GPU where there is one that can be used), `cpu`, `cuda` or `cuda:N`.
            runtime: `openvino`, `torch`, or `auto`: openvino on a CPU, torch on a GPU.
            precision: Arithmetic of openvino; `bf16` halves the cost of a face where the processor has it.
            detector: Folder of a detector, or None for the packaged one.
            classifier: Folder of a classifier, or None for the packaged one.
            threads: Batches that are computed side by side, a core each; None: the cores that this process may use, 8 at most. On
                a GPU it is one, whatever is said here.

        Raises:
            ModelError: A folder holds no model that can be used, or the device or runtime is not there.
        """
        count = default_threads() if threads is None else max(1, threads)
        return cls(
            open_detector(Path(detector) if detector else None, device, runtime, count, precision),
            open_classifier(Path(classifier) if classifier else None, device, runtime, count, precision),
            threads=count,
        )

    def __call__(self, pictures: PictureLike | Iterable[PictureLike]) -> list[list[Face]]:
        """The faces of each picture, likeliest face first.

        Args:
            pictures: One picture or several: RGB bytes of any size in numpy arrays (height, width, 3), paths of picture files,
                or pictures of Pillow's. Grey ones and ones with alpha are taken too; an array (n, height, width, 3) is n
                pictures. A file is turned as its EXIF says, a picture of Pillow's is taken as its pixels lie.

        Returns:
            A list of faces a picture, in the order of the pictures; for one picture a list of one list. Boxes and landmarks are
            in pixels of the picture as given. `landmarks` and `pose` are None where the detector finds no landmarks. The pose is
            approximate: with the packaged detector its yaw follows the head roughly, its pitch and roll hardly.

        Raises:
            PictureError: A file cannot be read, or something given is no picture; its text names which. Nothing is returned then.
            OutOfMemory: The device has no memory for a single picture.
        """
        numbered = [(source, f"picture {number}") for number, source in enumerate(_as_list(pictures))]
        found = self._batched(self._cut, numbered, self._detect_retry.limit)
        crops = [crop for of_one in found for crop in of_one]
        faces = iter(self._batched(self._name, crops, self._classify_retry.limit))
        return [[next(faces) for _ in of_one] for of_one in found]

    def _cut(self, numbered: Sequence[tuple[PictureLike, str]]) -> list[list[FaceCrop]]:
        """The crops of each picture. Pictures are read here: of a thousand files no more than a batch a thread are in memory."""
        pictures = [as_picture(source, name) for source, name in numbered]
        found = self._detect_retry(self.detector, pictures)
        return [cut_faces(picture, boxes, self.classifier.card) for picture, boxes in zip(pictures, found, strict=True)]

    def _name(self, crops: Sequence[FaceCrop]) -> list[Face]:
        rows = self._classify_retry(self.classifier.each, [crop.pixels for crop in crops])
        return [crop.named(row, self.classifier.card) for crop, row in zip(crops, rows, strict=True)]

    def _batched(self, work: Callable[[Sequence[T]], list[R]], items: Sequence[T], limit: int) -> list[R]:
        """The results of `work` over all items, called with `limit` of them at most, in as many threads as there are batches."""
        size = max(1, min(limit, ceil(len(items) / self._threads)))
        batches = [items[first : first + size] for first in range(0, len(items), size)]
        if len(batches) < 2:
            return work(items) if items else []
        if self._threads == 1:
            return [result for part in map(work, batches) for result in part]
        return [result for part in self._pool.map(work, batches) for result in part]


def _as_list(pictures: PictureLike | Iterable[PictureLike]) -> list[PictureLike]:
    """The pictures one by one. What neither is a picture nor holds any counts as one, whose error then says so."""
    one = pictures.ndim != 4 if isinstance(pictures, np.ndarray) else hasattr(pictures, "convert")
    if one or isinstance(pictures, str | bytes | PathLike) or not isinstance(pictures, Iterable):
        return [pictures]  # type: ignore[list-item]  # as_picture looks at it
    return list(pictures)
