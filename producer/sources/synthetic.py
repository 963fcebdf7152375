"""A camera for trials: portraits of two real people that wander over a backdrop, composed as it runs.

The pictures ship with scikit-image (Eileen Collins, NASA, public domain) and matplotlib (Grace Hopper, U.S. Navy, public
domain), so that there are real faces to find on any machine, with no download. Each picture carries its number in a corner
(producer/sources/frame_code.py).
"""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.producer.errors import CameraError
from ferstream.producer.sources.frame_code import draw_code
from ferstream.producer.sources.source import Pacer, SourceFrame, SourceInfo
from ferstream.streams.errors import how_to_install

WIDTH, HEIGHT, FPS = 1280, 720, 15.0

#: How far a portrait wanders from its middle (pixels), and grows and shrinks: a box of an earlier frame lies beside the face.
_REACH = (110.0, 40.0)
_ZOOM = 0.12
#: Colours of the wall (BGR), so that cameras side by side are told apart.
_WALLS = ((150, 140, 125), (125, 145, 150), (135, 150, 128), (150, 130, 142))

_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Sitter:
    """A portrait, where its middle is on average, how large it is, and how many seconds one swing takes."""

    portrait: NDArray[np.uint8]  # (h, w, 3) BGR
    middle: tuple[float, float]
    scale: float
    period_s: float


class Portraits:
    """1280x720 at up to 15 frames a second, for ever. Faces stay upright and whole; the smallest is over 100 px.

    `variant`, a number from 0, is which of the cameras it is: they differ in who sits where, when they move, and the wall.
    """

    def __init__(self, fps: float, stop: threading.Event, *, realtime: bool, variant: int = 0) -> None:
        self._fps, self._stop, self._realtime = min(fps, FPS), stop, realtime
        self._variant = variant
        self._sitters: list[_Sitter] = []
        self._backdrop = _backdrop(_WALLS[variant % len(_WALLS)])

    def open(self) -> SourceInfo:
        self._sitters = _sitters(self._variant)
        return SourceInfo(WIDTH, HEIGHT, self._fps, "portraits")

    def frames(self) -> Iterator[SourceFrame]:
        pacer, count = Pacer(self._stop, time.monotonic), 0
        while not self._stop.is_set():
            seconds = count / self._fps
            picture = self.compose(count)
            if self._realtime:
                pacer.wait_for(seconds)
            yield SourceFrame(picture, count, seconds)
            count += 1

    def compose(self, number: int) -> NDArray[np.uint8]:
        """The picture of this number, from 0. (720, 1280, 3) BGR"""
        canvas = self._backdrop.copy()
        for sitter in self._sitters:
            _paint(canvas, sitter, number / self._fps + 3.7 * self._variant)
        draw_code(canvas, number)
        return canvas

    def close(self) -> None:
        self._sitters = []


def _sitters(variant: int) -> list[_Sitter]:
    """Both, both mirrored, or one of the two: four cameras side by side do not look the same."""
    # Packages that import their modules when they are asked for must not be asked by two cameras at a time.
    with _LOADING:
        pictures = _astronaut(), _hopper()
    # A face of the first portrait is 100 px wide at scale 1; of the second, 160 px.
    collins, hopper = _Sitter(pictures[0], (330, 385), 1.25, 8.0), _Sitter(pictures[1], (950, 385), 1.05, 11.0)
    if variant % 4 == 1:
        return [_mirrored(collins), _mirrored(hopper)]
    alone = [replace(collins, middle=(690, 400))], [replace(hopper, middle=(610, 385))]
    return alone[variant % 2] if variant % 4 else [collins, hopper]


def _mirrored(sitter: _Sitter) -> _Sitter:
    middle = (WIDTH - sitter.middle[0], sitter.middle[1])
    return replace(sitter, portrait=np.ascontiguousarray(sitter.portrait[:, ::-1]), middle=middle)


def _paint(canvas: NDArray[np.uint8], sitter: _Sitter, seconds: float) -> None:
    swing = 2 * math.pi * seconds / sitter.period_s
    scale = sitter.scale * (1 + _ZOOM * math.sin(swing * 0.7))
    height, width = sitter.portrait.shape[:2]
    x = sitter.middle[0] + _REACH[0] * math.sin(swing) - scale * width / 2
    y = sitter.middle[1] + _REACH[1] * math.sin(swing * 1.3) - scale * height / 2
    placed = np.array([[scale, 0, x], [0, scale, y]], np.float64)
    cv2.warpAffine(
        sitter.portrait,
        placed,
        (WIDTH, HEIGHT),
        dst=canvas,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )


def _backdrop(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A wall of a little colour (BGR) that is lighter in the middle."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    light = 1 - 0.5 * (((x - WIDTH / 2) / WIDTH) ** 2 + ((y - HEIGHT / 2) / HEIGHT) ** 2)
    wall: NDArray[np.uint8] = (light[..., None] * np.array(colour, np.float32)).astype(np.uint8)
    return wall


@cache
def _astronaut() -> NDArray[np.uint8]:
    data = _demo_module("skimage.data")
    return np.ascontiguousarray(np.asarray(data.astronaut(), np.uint8)[..., ::-1])


@cache
def _hopper() -> NDArray[np.uint8]:
    path = _demo_module("matplotlib.cbook").get_sample_data("grace_hopper.jpg", asfileobj=False)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise CameraError(f"matplotlib's grace_hopper.jpg is missing: {how_to_install('demo')}")
    return np.asarray(picture, np.uint8)


def _demo_module(name: str) -> Any:  # noqa: ANN401 - a module of the demo extra, which may not be there
    try:
        return import_module(name)
    except ImportError as error:
        raise CameraError(f"portraits: needs pictures that ship with the demo extra: {how_to_install('demo')}") from error
