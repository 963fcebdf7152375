"""What nobody is to see of a camera: its mask, and all outside of its region, made black before a picture leaves this machine."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.producer.config.polygon import Polygon, Polygons

#: Corners are given to OpenCV in fractions of a pixel, of so many bits.
SHIFT = 8
#: A pixel that an edge touches is beside one that OpenCV draws for the edge. One more, since scaling mixes neighbours.
_MARGIN = np.ones((5, 5), np.uint8)
#: Of U and V, where there is no colour.
_COLOURLESS = 128


class Blackout:
    """Blackens one camera's pictures, of any size. Not thread-safe: it keeps what it drew for the last size.

    No pixel that a mask touches is left, nor one that lies partly outside of the region; up to two more around are black. What
    the edges of a mask enclose is black, also where they cross.
    """

    def __init__(self, mask: Polygons, region: Polygon | None) -> None:
        self._mask, self._region = mask, region
        self._kept = self._kept_colour = self._grey = np.zeros((0, 0), np.uint8)

    def on_planes(
        self, y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """Planes of full range, u and v half as wide and high, rounded up. The given ones stay: they may be the decoder's."""
        self._draw(y.shape[1], y.shape[0])
        colours = [cv2.bitwise_or(cv2.bitwise_and(plane, self._kept_colour), self._grey) for plane in (u, v)]
        return cv2.bitwise_and(y, self._kept), *colours  # type: ignore[return-value]

    def on_array(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(height, width, 3)"""
        kept = self.kept(picture.shape[1], picture.shape[0])
        return cv2.bitwise_and(picture, picture, mask=kept)  # type: ignore[return-value]

    def kept(self, width: int, height: int) -> NDArray[np.uint8]:
        """255 where a picture of this size stays as it is, 0 where it is black. (height, width)"""
        self._draw(width, height)
        return self._kept

    def _draw(self, width: int, height: int) -> None:
        if self._kept.shape == (height, width):
            return
        kept: NDArray[np.uint8] = np.full((height, width), 255, np.uint8)
        if self._region is not None:
            inside = np.zeros_like(kept)
            cv2.fillPoly(inside, [corners(self._region, width, height)], 255, cv2.LINE_8, SHIFT)
            kept = np.asarray(inside & ~_edges(self._region, width, height), np.uint8)
        for polygon in self._mask:
            kept[(_enclosed(polygon, width, height) | _edges(polygon, width, height)) > 0] = 0
        whole = np.pad(kept, ((0, height % 2), (0, width % 2)), constant_values=255)
        self._kept_colour = whole.reshape(whole.shape[0] // 2, 2, whole.shape[1] // 2, 2).min(axis=(1, 3))
        self._grey = np.where(self._kept_colour == 0, np.uint8(_COLOURLESS), np.uint8(0))
        self._kept = kept


def corners(polygon: Polygon, width: int, height: int, beside: int = 0) -> NDArray[np.int32]:
    """A polygon as OpenCV draws it, whose whole numbers are the middles of pixels, `beside` pixels to the right and below.

    (points, 1, 2)
    """
    places = np.array(polygon) * (width, height) - 0.5 + beside
    return np.round(places * (1 << SHIFT)).astype(np.int32).reshape(-1, 1, 2)


def _edges(polygon: Polygon, width: int, height: int) -> NDArray[np.uint8]:
    """Drawn with a border: what OpenCV draws for an edge of the picture may lie just outside of it."""
    border = len(_MARGIN)
    drawn = np.zeros((height + 2 * border, width + 2 * border), np.uint8)
    cv2.polylines(drawn, [corners(polygon, width, height, border)], True, 255, 1, cv2.LINE_8, SHIFT)
    return np.asarray(cv2.dilate(drawn, _MARGIN)[border:-border, border:-border], np.uint8)


def _enclosed(polygon: Polygon, width: int, height: int) -> NDArray[np.uint8]:
    """OpenCV leaves out what edges enclose an even number of times; here it counts."""
    drawn = np.zeros((height, width), np.uint8)
    cv2.fillPoly(drawn, [corners(polygon, width, height)], 255, cv2.LINE_8, SHIFT)
    outlines, _ = cv2.findContours(drawn, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, outlines, -1, 255, cv2.FILLED)
    return drawn
