"""From the JPEG of a frame to its pixels, with everything refused that is not a sane picture."""

import simplejpeg

from ferstream.streams.errors import FerstreamError
from ferstream.workers.pipeline.frame_task import Picture

MAX_SIDE = 65_535  # JPEG's own limit


class BadPicture(FerstreamError):
    """The bytes are no picture that a worker takes; `reason` is a word for metrics and dead letters."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode_jpeg(data: bytes, max_pixels: int) -> Picture:
    """RGB (H, W, 3). The header is looked at first: a picture of 40,000 x 40,000 is refused before a byte is set aside for it.

    Raises BadPicture (`empty`, `bad-jpeg`, `too-large`).
    """
    if not data:
        raise BadPicture("empty", "the picture has no bytes")
    try:
        height, width, colourspace, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > max_pixels:
            raise BadPicture("too-large", f"{width}x{height} px; at most {max_pixels} pixels are taken (--max-pixels)")
        if colourspace in ("CMYK", "YCCK"):
            raise BadPicture("bad-jpeg", f"colour space {colourspace} is for print")
        return simplejpeg.decode_jpeg(data, "RGB", fastdct=True, fastupsample=True)  # type: ignore[no-any-return]
    except ValueError as error:
        raise BadPicture("bad-jpeg", str(error).splitlines()[0] if str(error) else "not a JPEG") from error
