"""What the page has drawn, read from the pixels of its canvases: the number in a picture's corner, and where boxes are."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ferstream.producer.sources.synthetic import HEIGHT, WIDTH
from tests.support.frame_code import read_code

if TYPE_CHECKING:
    from playwright.sync_api import Page

Box = tuple[float, float, float, float]

#: Shorter lines than these pixels of a canvas are none of a box.
LEAST_SIDE = 30
#: So far from an emotion's colour may each of a pixel's be.
NEAR = 10

_KEEP = """() => {
    const newest = {};
    window.drawn = [];
    ferDraws.drawn = (canvas, { camera, sequence }) => {
        if (newest[camera] === sequence || drawn.length === 200) return;
        newest[camera] = sequence;
        drawn.push([camera, sequence, canvas.toDataURL()]);
    };
}"""
_COLOURS = """async () => {
    const { EMOTIONS, UNKNOWN, colourOf } = await import("/static/js/core/emotions.js");
    return [...EMOTIONS, UNKNOWN].map(colourOf);
}"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it was on the screen: of a camera, of the sequence that the page says. (h, w, 3) RGB, the frame alone."""

    camera: str
    sequence: int
    pixels: np.ndarray

    @property
    def number(self) -> int | None:
        """What its corner says."""
        return read_code(self.pixels)

    @property
    def scale(self) -> float:
        """Pixels here of one of the frame."""
        return self.pixels.shape[1] / WIDTH


class DrawnFrames:
    """Keeps every picture that a page with ?measure=1 draws from now on."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._colours = [_rgb(colour) for colour in page.evaluate(_COLOURS)]
        page.wait_for_function("() => window.ferDraws")
        page.evaluate(_KEEP)

    def take(self) -> list[Drawn]:
        """Those since the last call."""
        return [Drawn(camera, sequence, _frame(url)) for camera, sequence, url in self._page.evaluate("drawn.splice(0)")]

    def boxes(self, drawn: Drawn) -> list[Box]:
        """Middles of the lines of the boxes on it, xyxy in its pixels, from left to right."""
        return sorted(box for colour in self._colours for box in _boxes(drawn.pixels, colour))


def _boxes(pixels: np.ndarray, colour: Sequence[int]) -> list[Box]:
    """Long thin lines of one colour, joined at their corners."""
    alike = cv2.inRange(pixels, np.array(colour) - NEAR, np.array(colour) + NEAR) // 255
    if alike.sum() < 4 * LEAST_SIDE:
        return []
    thin = alike & ~cv2.morphologyEx(alike, cv2.MORPH_OPEN, np.ones((6, 6), np.uint8))
    lines = np.zeros_like(thin)
    for across in (True, False):
        joined = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, _line(7, across))  # of an unknown emotion it is dashed
        lines |= cv2.morphologyEx(joined, cv2.MORPH_OPEN, _line(LEAST_SIDE, across))
    count, labels = cv2.connectedComponents(cv2.dilate(lines, np.ones((13, 13), np.uint8)))
    found = []
    for label in range(1, count):
        ys, xs = np.nonzero(lines * (labels == label))
        box = (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
        if min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE:
            found.append(box)
    return found


def _line(long: int, across: bool) -> np.ndarray:
    return np.ones((1, long) if across else (long, 1), np.uint8)


def _frame(url: str) -> np.ndarray:
    """The frame within a canvas, which may have bars beside it."""
    png = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    canvas = cv2.cvtColor(cv2.imdecode(png, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    height, width = canvas.shape[:2]
    scale = min(width / WIDTH, height / HEIGHT)
    left, top = round((width - WIDTH * scale) / 2), round((height - HEIGHT * scale) / 2)
    return canvas[top : height - top, left : width - left]


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.lstrip("#")))
