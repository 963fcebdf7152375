"""From a picture to JPEG: scaled once, in the decoder's own YUV planes where there are any."""

from dataclasses import dataclass
from zlib import adler32

import av
import av.error
import cv2
import numpy as np
import simplejpeg
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from ferstream.producer.blackout import Blackout
from ferstream.producer.sources.source import Picture
from ferstream.streams.errors import FerstreamError

#: Every so many pixels of the luma plane one goes into the checksum: enough to see any change that is no single pixel.
CHECKSUM_STEP = 8
#: Video this large with no word on its colours is BT.709, smaller is BT.601: what players assume, mpv's rule.
HD_WIDTH, HD_HEIGHT = 1280, 576
_MATRICES = {1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M}
_BT2020 = (9, 10)


class EncodeError(FerstreamError):
    """A picture cannot become a JPEG."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A JPEG; `width` and `height` are the picture's as captured, `checksum` is equal for identical pictures.

    The checksum is of the whole picture: a camera whose only moving part is masked is not frozen.
    """

    jpeg: bytes
    width: int
    height: int
    checksum: int


class JpegEncoder:
    """Encodes one camera's pictures at most `max_side` pixels long, as full-range BT.601, which is what JFIF means.

    What `blackout` covers is black in them. Not thread-safe: it keeps FFmpeg's scaler between pictures.
    """

    def __init__(self, max_side: int, quality: int, blackout: Blackout | None = None) -> None:
        self._max_side, self._quality, self._blackout = max_side, quality, blackout
        self._reformatter = VideoReformatter()

    def encode(self, picture: Picture) -> Encoded:
        """The picture as JPEG. Raises EncodeError."""
        try:
            return self._from_frame(picture) if isinstance(picture, av.VideoFrame) else self._from_array(picture)
        except (av.FFmpegError, OSError, ValueError, RuntimeError, cv2.error) as error:
            raise EncodeError(f"a picture cannot be encoded ({type(error).__name__})") from error

    def _from_frame(self, frame: av.VideoFrame) -> Encoded:
        width, height = scaled_size(frame.width, frame.height, self._max_side)
        scaled = self._reformatter.reformat(
            frame,
            width,
            height,
            "yuvj420p",
            src_colorspace=_matrix_of(frame),
            dst_colorspace=Colorspace.ITU601,
            src_color_range=_range_of(frame),
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        y, u, v = _upright([_plane(plane) for plane in scaled.planes[:3]], frame.rotation)
        checksum = _checksum(y)
        if self._blackout:
            y, u, v = self._blackout.on_planes(y, u, v)
        jpeg = simplejpeg.encode_jpeg_yuv_planes(_evenly_stored(y), u, v, quality=self._quality)
        turned = frame.rotation % 180 != 0
        return Encoded(jpeg, *((frame.height, frame.width) if turned else (frame.width, frame.height)), checksum)

    def _from_array(self, picture: NDArray[np.uint8]) -> Encoded:
        height, width = picture.shape[:2]
        size = scaled_size(width, height, self._max_side)
        if size != (width, height):
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        checksum = _checksum(picture[..., 1])
        if self._blackout:
            picture = self._blackout.on_array(picture)
        jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), self._quality, "BGR", "420")
        return Encoded(jpeg, width, height, checksum)


def scaled_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """The size that is at most `max_side` long, of the same shape; never larger than it was."""
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _plane(plane: "av.video.plane.VideoPlane") -> NDArray[np.uint8]:
    """A view of a plane's pixels, without the padding at the end of its lines. (height, width)"""
    lines: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return lines.reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _upright(planes: list[NDArray[np.uint8]], rotation: int) -> list[NDArray[np.uint8]]:
    """Phones film lying down and write beside it how to turn the picture, counter-clockwise."""
    turns = round(rotation / 90) % 4
    return [np.ascontiguousarray(np.rot90(plane, turns)) for plane in planes] if turns else planes


def _evenly_stored(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The plane, in memory with its last line and column once more where their number is odd: libjpeg-turbo reads on to them."""
    height, width = luma.shape
    if height % 2 == width % 2 == 0:
        return luma
    return np.pad(luma, ((0, height % 2), (0, width % 2)), "edge")[:height, :width]


def _range_of(frame: av.VideoFrame) -> ColorRange:
    if frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG:
        return ColorRange.JPEG
    return ColorRange.JPEG if frame.format.name.startswith(("rgb", "bgr", "gbr", "pal")) else ColorRange.MPEG


def _matrix_of(frame: av.VideoFrame) -> Colorspace:
    named = int(frame.colorspace)
    if named in _MATRICES:
        return _MATRICES[named]
    if named in _BT2020:
        return Colorspace.BT2020
    hd = frame.width >= HD_WIDTH or frame.height > HD_HEIGHT
    # MJPEG is JPEG: BT.601 at any size.
    return Colorspace.ITU709 if hd and not frame.format.name.startswith("yuvj") else Colorspace.ITU601


def _checksum(luma: NDArray[np.uint8]) -> int:
    return adler32(luma[::CHECKSUM_STEP, ::CHECKSUM_STEP].tobytes())
