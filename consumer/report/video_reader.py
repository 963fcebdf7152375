"""A video file decoded as the producer decodes it: the same frames in the same order, so that numbers mean the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import av
import av.container
import av.error

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import as_text

#: HTTP may lead to a playlist, and a playlist must not lead to this machine's files.
_HTTP = {"protocol_whitelist": "http,https,tcp,tls,crypto,httpproxy,data"}


class VideoError(FerstreamError):
    """A video cannot be read or written."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What a copy has to keep: `size` (width, height) of the upright picture, shape of a pixel, clock, usual rate."""

    size: tuple[int, int]
    pixel_aspect: Fraction
    time_base: Fraction
    rate: Fraction


class VideoReader:
    """A context. Iterating gives the video's frames and the packets of its first sound, in the order of the file.

    Args:
        url: a path, or an http:// or https:// URL.

    Raises:
        VideoError: where it cannot be opened or decoded. Its text does not hold the URL, which may have a password.
    """

    def __init__(self, url: str) -> None:
        # FFmpeg prints URLs, passwords and all: it has to be silent before it sees the first one.
        av.logging.set_level(None)
        web = url.startswith(("http://", "https://"))
        self._name = "the video" if web else as_text(url)
        try:
            self._container = av.open(url if web else f"file:{url}", options=_HTTP if web else {})
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(f"cannot open {self._name} again, to draw on it ({type(error).__name__})") from None
        self._video = self._container.streams.video[0]
        self._video.codec_context.thread_type = "AUTO"
        sounds = self._container.streams.audio
        self.sound = sounds[0] if sounds and getattr(sounds[0], "codec_context", None) else None

    def format_of(self, frame: av.VideoFrame) -> VideoFormat:
        """The format by the first frame, whose rotation the container or the frame itself says."""
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        lying = frame.rotation % 180 != 0
        width, height = (frame.height, frame.width) if lying else (frame.width, frame.height)
        rate = self._video.average_rate or self._video.guessed_rate or Fraction(25)
        return VideoFormat((width, height), 1 / aspect if lying else aspect, Fraction(self._video.time_base or 1), Fraction(rate))

    def __iter__(self) -> "Iterator[av.VideoFrame | av.Packet[Any]]":
        try:
            for packet in self._container.demux():
                if packet.stream is self._video:
                    yield from _pictures(packet)
                elif packet.stream is self.sound and packet.dts is not None:
                    yield packet
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(f"{self._name} cannot be read to its end ({type(error).__name__})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._container.close()


def _pictures(packet: "av.Packet[Any]") -> list[av.VideoFrame]:
    """What a packet decodes to; a damaged one to nothing, as in the producer."""
    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
    except av.error.InvalidDataError:
        return []
