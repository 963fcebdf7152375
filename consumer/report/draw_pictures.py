"""Pictures with what was found drawn on them, one for each that was analysed, as JPEG."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ferstream.consumer.report.drawing import draw_face, hide_face
from ferstream.consumer.report.marks import read_marks
from ferstream.consumer.report.video_reader import VideoError
from ferstream.streams.service.atomic_file import RESULTS, make_folder, whole_file

_QUALITY = 92


def draw_pictures(files: Sequence[Path], marks: Path, folder: Path, *, blur: bool = False) -> int:
    """Write `folder`/NAME.jpg for each picture that has marks; returns how many. Raises VideoError, WriteError.

    `files` are the pictures by their numbers. Where two have one name, the number is set before it.
    """
    make_folder(folder)
    names = [file.stem for file in files]
    drawn = 0
    for frame in read_marks(marks):
        picture = _read(files[frame.number])
        for face in frame.faces if blur else ():
            hide_face(picture, face.box)
        for face in frame.faces:
            if face.shown:
                draw_face(picture, face)
        name = names[frame.number]
        if names.count(name) > 1:
            name = f"{frame.number}-{name}"
        encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        with whole_file(folder / f"{name}.jpg", RESULTS) as file:
            file.write(encoded.tobytes())
        drawn += 1
    return drawn


def _read(path: Path) -> "np.typing.NDArray[np.uint8]":
    try:
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise VideoError(f"cannot read {path} again, to draw on it")
    return np.asarray(picture, np.uint8)
