"""An MP4 of drawn frames: H.264, each at the time of its source, with the sound of the source."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from ferstream.consumer.report.video_reader import VideoError, VideoFormat

#: Sound that an MP4 takes as it is; any other becomes AAC.
_COPIED = {"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"}
#: Samples a second of that AAC, which takes few rates.
_SOUND_RATE = 48000
#: Good to look at, at the speed of an analysis. Without B-frames a frame is stored in the order in which it is shown.
_ENCODER = {"preset": "veryfast", "crf": "20", "bf": "0"}


class VideoWriter:
    """A context that writes `path`. `sound` is a stream of the source, or None. Raises VideoError.

    `begin` is the time stamp, in the source's time base, that the copy counts from.
    """

    def __init__(self, path: Path, format_: VideoFormat, sound: "av.AudioStream | None", *, begin: int = 0) -> None:
        self._path, self._format, self._begin = path, format_, begin
        try:
            self._container = av.open(f"file:{path}", "w", format="mp4")
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"cannot write {path} ({type(error).__name__})") from None
        self._video = self._container.add_stream("libx264", rate=format_.rate, options=dict(_ENCODER))
        width, height = format_.size
        # H.264 has half the pixels of colour along each side: sides are even.
        self._video.width, self._video.height, self._video.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        self._video.codec_context.time_base = format_.time_base
        self._video.codec_context.sample_aspect_ratio = format_.pixel_aspect
        self._last: int | None = None
        self._sound: Any = None
        self._copied = False
        if sound is not None:
            self._add_sound(sound)

    def write(self, picture: NDArray[np.uint8], stamp: int | None) -> None:
        """Add a frame, (height, width, 3) BGR, at a time stamp of the source.

        Where that is missing or does not grow, as in joined recordings, the frame comes one usual interval after the last.
        """
        width, height = self._video.width, self._video.height
        below, right = max(0, height - picture.shape[0]), max(0, width - picture.shape[1])
        whole = np.pad(picture, ((0, below), (0, right), (0, 0)), "edge")[:height, :width]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(whole), "bgr24")
        frame.pts, frame.time_base = self._place(stamp), self._format.time_base
        self._mux(self._video.encode(frame))

    def write_sound(self, packet: "av.Packet[Any]") -> None:
        """Add a packet of the source's sound."""
        if self._copied:
            shift = round(self._begin * self._format.time_base / Fraction(packet.time_base))
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.stream = self._sound
            self._mux([packet])
            return
        for frame in packet.decode():
            if isinstance(frame, av.AudioFrame) and frame.pts is not None:
                frame.pts -= round(self._begin * self._format.time_base / Fraction(frame.time_base))
                self._mux(self._sound.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                self._mux(self._video.encode())
                if self._sound is not None and not self._copied:
                    self._mux(self._sound.encode())
        finally:
            try:
                self._container.close()
            except (av.FFmpegError, OSError) as failed:
                if error is None:
                    raise VideoError(f"cannot write {self._path} ({type(failed).__name__})") from None

    def _place(self, stamp: int | None) -> int:
        """The time stamp in the copy."""
        interval = max(1, round(1 / (self._format.rate * self._format.time_base)))
        usual = 0 if self._last is None else self._last + interval
        place = usual if stamp is None else stamp - self._begin
        if stamp is not None and self._last is not None and place <= self._last:
            place, self._begin = usual, stamp - usual
        self._last = place
        return place

    def _add_sound(self, sound: "av.AudioStream") -> None:
        self._copied = sound.codec_context.name.removesuffix("float") in _COPIED
        if self._copied:
            self._sound = self._container.add_stream_from_template(sound)
        else:
            layout = "mono" if sound.codec_context.channels == 1 else "stereo"
            self._sound = self._container.add_stream("aac", rate=_SOUND_RATE, layout=layout)

    def _mux(self, packets: "list[av.Packet[Any]]") -> None:
        try:
            self._container.mux(packets)
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"cannot write {self._path}: {error.strerror or type(error).__name__}") from None
