"""A video with what was found drawn on it: frame for frame the source, at the same times, with the same sound."""

from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ferstream.consumer.report.drawing import draw_face, hide_face
from ferstream.consumer.report.hidden_faces import HiddenFaces
from ferstream.consumer.report.marks import FrameMarks, read_marks
from ferstream.consumer.report.video_reader import VideoError, VideoReader
from ferstream.consumer.report.video_writer import VideoWriter
from ferstream.streams.service.atomic_file import PART


class _Canvas:
    """Draws the marks of one file on its frames, which are asked for in their order."""

    def __init__(self, path: Path, *, blur: bool) -> None:
        self._marks = read_marks(path)
        self._next: FrameMarks | None = next(self._marks, None)
        self.first = self._next.number if self._next else None
        self._hidden = HiddenFaces(read_marks(path)) if blur else None
        self._at_s = 0.0

    @property
    def done(self) -> bool:
        """Whether the last marked frame was drawn."""
        return self._next is None

    def draw(self, picture: NDArray[np.uint8], number: int) -> None:
        """Draw on a frame, (height, width, 3) BGR. One without marks, since it has no result, stays as it is."""
        marks = self._next if self._next is not None and self._next.number == number else None
        if marks is not None:
            self._at_s = marks.at
            self._next = next(self._marks, None)
        for box in self._hidden.at(number, self._at_s) if self._hidden else ():
            hide_face(picture, box)
        for face in marks.faces if marks is not None else ():
            if face.shown:
                draw_face(picture, face)


def draw_video(url: str, marks: Path, path: Path, *, every: int = 1, to_end: bool = True, blur: bool = False) -> int:
    """Write `path`, an MP4, whole or not at all; returns how many frames it has.

    Args:
        url: the video, as it was analysed.
        marks: what is drawn, from its first frame on.
        every: only each frame of this number.
        to_end: whether the copy goes on behind the last frame with marks.
        blur: hide every face.

    Raises:
        VideoError: where the video cannot be read again or the copy not be written.
    """
    canvas = _Canvas(marks, blur=blur)
    part = path.with_name(f"{path.name}{PART}")
    try:
        with VideoReader(url) as reader:
            frames = _write(reader, canvas, part, every, to_end=to_end)
        if frames:
            part.replace(path)
    except OSError as error:
        raise VideoError(f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return frames


def _write(reader: VideoReader, canvas: _Canvas, part: Path, every: int, *, to_end: bool) -> int:
    """The frames that were written."""
    first = canvas.first
    if first is None:
        return 0
    numbers, drawn = count(), 0
    writer: VideoWriter | None = None
    early: list[av.Packet[Any]] = []  # sound that stands before the first frame in the file
    with ExitStack() as stack:
        for item in reader:
            if canvas.done and not to_end:
                break
            if not isinstance(item, av.VideoFrame):
                if writer is not None:
                    writer.write_sound(item)
                elif first == 0:
                    early.append(item)
                continue
            number = next(numbers)
            if number < first or number % every:
                continue
            if writer is None:
                # A part of a video begins at 0: players would show nothing for as long as what is left out.
                begin = item.pts or 0 if first else 0
                writer = stack.enter_context(VideoWriter(part, reader.format_of(item), reader.sound, begin=begin))
                for packet in early:
                    writer.write_sound(packet)
            picture = upright(item)
            canvas.draw(picture, number)
            writer.write(picture, item.pts)
            drawn += 1
    return drawn


def upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The frame as BGR bytes (height, width, 3), turned as its container says: a box's pixels are those of this picture."""
    picture = frame.to_ndarray(format="bgr24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns))
