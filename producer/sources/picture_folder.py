"""A folder of pictures as a camera: sorted by name, one a tick."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ferstream.producer.errors import CameraError
from ferstream.producer.sources.source import Pacer, SourceFrame, SourceInfo

log = logging.getLogger(__name__)

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


class PictureFolder:
    """Gives the folder's pictures at `fps`, once or over and over; files that hold no picture are skipped and named once."""

    def __init__(self, folder: Path, fps: float, stop: threading.Event, *, loop: bool, realtime: bool) -> None:
        self._folder, self._fps, self._stop = folder, fps, stop
        self._loop, self._realtime = loop, realtime
        self._files: list[Path] = []
        self._broken: set[Path] = set()

    def open(self) -> SourceInfo:
        try:
            # A pipe of such a name would hold the reader for ever.
            self._files = sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
        except OSError as error:
            raise CameraError(f"cannot read the folder: {error.strerror}") from error
        for path in self._files:
            picture = self._read(path)
            if picture is not None:
                return SourceInfo(
                    picture.shape[1], picture.shape[0], self._fps, path.suffix.lower().lstrip("."), len(self._files)
                )
        raise CameraError(f"the folder holds no picture ({', '.join(sorted(SUFFIXES))})")

    def frames(self) -> Iterator[SourceFrame]:
        pacer, count, turn = Pacer(self._stop, time.monotonic), 0, 0
        while not self._stop.is_set():
            for number, path in enumerate(self._files, start=turn * len(self._files)):
                picture = self._read(path)
                if picture is None:
                    continue
                seconds = count / self._fps
                if self._realtime:
                    pacer.wait_for(seconds)
                if self._stop.is_set():
                    return
                count += 1
                yield SourceFrame(picture, number, seconds)
            turn += 1
            if not self._loop:
                return
            if len(self._broken) == len(self._files):
                raise CameraError("the folder's pictures are gone")

    def close(self) -> None:
        """Nothing to release: each file was closed after it was read."""

    def _read(self, path: Path) -> "np.typing.NDArray[np.uint8] | None":
        try:
            picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        except (OSError, cv2.error):  # gone meanwhile, empty, or larger than OpenCV takes: as good as no picture
            picture = None
        if picture is None:
            if path not in self._broken:
                log.warning("%s holds no picture that can be read: skipped", path.name)
            self._broken.add(path)
            return None
        return np.asarray(picture, np.uint8)
