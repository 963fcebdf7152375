"""A picture of what a camera showed, as a file: for people who set one up, and who draw its mask."""

import base64
import re
from hashlib import blake2b
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from ferstream.producer.blackout import SHIFT, Blackout, corners
from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.encoder import JpegEncoder
from ferstream.producer.sources.source import Picture
from ferstream.streams.service.atomic_file import RESULTS, whole_file

QUALITY = 90
#: A black area is shown this dark, with lines so far apart, so that one sees what it covers.
_SHADE, _HATCH = 0.4, 12
#: Blue, green, red: reddish purple and sky blue of Okabe and Ito.
_MASK_COLOUR, _REGION_COLOUR = (167, 121, 204), (233, 180, 86)


class Stills:
    """Writes one JPEG a camera into `folder`, which must be there, scaled as its frames are; without one it is on no disk.

    With `outlines` its mask and region are drawn on it, and what would be black is dark and hatched; else nothing is.
    """

    def __init__(self, folder: Path | None, *, outlines: bool) -> None:
        self._folder, self._outlines = folder, outlines

    def keep(self, camera: CameraConfig, picture: Picture) -> str:
        """The path of the file, or all of it as a data: URL. Raises EncodeError, WriteError."""
        settings = camera.settings
        jpeg = JpegEncoder(settings.max_side, QUALITY).encode(picture).jpeg
        if self._outlines and (settings.mask or settings.region):
            jpeg = simplejpeg.encode_jpeg(_drawn(simplejpeg.decode_jpeg(jpeg, "BGR"), settings), QUALITY, "BGR")
        if self._folder is None:
            return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
        path = self._folder / f"{_file_name(camera.camera_id)}.jpg"
        with whole_file(path, RESULTS) as file:
            file.write(jpeg)
        return str(path)


def _drawn(picture: NDArray[np.uint8], settings: CameraSettings) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    black = Blackout(settings.mask, settings.region).kept(width, height) == 0
    y, x = np.mgrid[0:height, 0:width]
    picture[black] = (picture[black] * _SHADE).astype(np.uint8)
    picture[black & ((x + y) % _HATCH == 0)] = 160
    outlines = [(polygon, _MASK_COLOUR) for polygon in settings.mask]
    outlines += [(settings.region, _REGION_COLOUR)] if settings.region else []
    for polygon, colour in outlines:
        cv2.polylines(picture, [corners(polygon, width, height)], True, colour, 2, cv2.LINE_AA, SHIFT)
    return picture


def _file_name(camera_id: str) -> str:
    """Letters, digits, - and _ of a name; what is not the whole name has its hash behind it, so that no two are the same."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", camera_id)
    return plain if plain == camera_id else f"{plain}-{blake2b(camera_id.encode(), digest_size=4).hexdigest()}"
