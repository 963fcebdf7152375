"""An uploaded picture as a frame: a JPEG, upright, no larger than cameras send theirs."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from ferstream.consumer.dashboard.frames.uploads.picture_kinds import check_size, png_size, webp_size
from ferstream.consumer.dashboard.frames.uploads.upload_errors import unreadable
from ferstream.streams.wire.scans import MOST_SCANS, has_too_many_scans

#: As a producer's --max-side; an upload is looked at once, so that its quality may be better than a camera's.
MAX_SIDE, QUALITY = 1280, 92

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Picture:
    """`width` and `height` are of the picture as uploaded, upright; `media_time` is in seconds, None but for a clip."""

    jpeg: bytes = field(repr=False)
    width: int
    height: int
    media_time: float | None = None


def read_picture(kind: str, data: bytes) -> Picture:
    """The picture of a file; its size is looked at before anything is decoded. Raises UploadError."""
    if kind == "jpeg":
        return _read_jpeg(data)
    check_size(*(png_size(data) if kind == "png" else webp_size(data)))
    return encode(_decode(data, kind.upper()))


def encode(pixels: Pixels, media_time: float | None = None) -> Picture:
    """A frame of BGR pixels (height, width, 3)."""
    height, width = pixels.shape[:2]
    scale = MAX_SIDE / max(width, height)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), QUALITY, "BGR", "420")
    return Picture(jpeg, width, height, media_time)


def _read_jpeg(data: bytes) -> Picture:
    """One that workers can read goes as it is. One that is large, lies on its side or is of an odd kind is encoded anew."""
    try:
        height, width, colourspace, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        raise unreadable("the JPEG file is damaged, or of a kind that is rarely seen: save it as a baseline JPEG") from None
    check_size(width, height)
    if colourspace in ("CMYK", "YCCK"):
        raise unreadable(f"the JPEG's colours are {colourspace}, for print: save it as RGB")
    if has_too_many_scans(data):
        raise unreadable(f"the JPEG has more than {MOST_SCANS} scans: save it as a baseline JPEG")
    if max(width, height) > MAX_SIDE or b"Exif\0\0" in data[: 128 * 1024]:
        return encode(_decode(data, "JPEG"))
    try:
        simplejpeg.decode_jpeg(data, "RGB")
    except ValueError as error:
        raise unreadable(f"the JPEG file is damaged: {str(error).rpartition(': ')[2] or 'it cannot be decoded'}") from None
    return Picture(data, width, height)


def _decode(data: bytes, name: str) -> Pixels:
    """BGR pixels, turned as EXIF says."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what is wrong with a file is for whoever sent it
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise unreadable(f"the {name} file is damaged")
    return np.asarray(pixels, np.uint8)
