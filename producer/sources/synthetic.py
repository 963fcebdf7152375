"""A camera for trials: two portraits of real people that drift over a backdrop, composed as it runs.

The pictures ship with scikit-image (Eileen Collins, NASA, public domain) and matplotlib (Grace Hopper, U.S. Navy, public
domain), so that there are real faces to find on any machine, with no download.
"""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.producer.errors import CameraError
from ferstream.producer.sources.source import Pacer, SourceFrame, SourceInfo
from ferstream.streams.errors import how_to_install

WIDTH, HEIGHT, FPS = 1280, 720, 15.0


@dataclass(frozen=True, slots=True)
class _Sitter:
    """A portrait, where its middle is on average, how large it is, and how many seconds one swing takes."""

    portrait: NDArray[np.uint8]  # (h, w, 3) BGR
    middle: tuple[float, float]
    scale: float
    period_s: float


class Portraits:
    """1280x720 at up to 15 frames a second, for ever. Both faces stay upright and whole; the smaller one is over 100 px."""

    def __init__(self, fps: float, stop: threading.Event, *, realtime: bool) -> None:
        self._fps, self._stop, self._realtime = min(fps, FPS), stop, realtime
        self._sitters: list[_Sitter] = []
        self._backdrop = _backdrop()

    def open(self) -> SourceInfo:
        # A face of the first portrait is 100 px wide at scale 1; of the second, 160 px.
        self._sitters = [_Sitter(_astronaut(), (330, 385), 1.25, 11.0), _Sitter(_hopper(), (950, 385), 1.05, 17.0)]
        return SourceInfo(WIDTH, HEIGHT, self._fps, "portraits")

    def frames(self) -> Iterator[SourceFrame]:
        pacer, count = Pacer(self._stop, time.monotonic), 0
        while not self._stop.is_set():
            seconds = count / self._fps
            picture = self.compose(seconds)
            if self._realtime:
                pacer.wait_for(seconds)
            yield SourceFrame(picture, count, seconds)
            count += 1

    def compose(self, seconds: float) -> NDArray[np.uint8]:
        """The picture at `seconds` since the start. (720, 1280, 3) BGR"""
        canvas = self._backdrop.copy()
        for sitter in self._sitters:
            _paint(canvas, sitter, seconds)
        return canvas

    def close(self) -> None:
        self._sitters = []


def _paint(canvas: NDArray[np.uint8], sitter: _Sitter, seconds: float) -> None:
    swing = 2 * math.pi * seconds / sitter.period_s
    scale = sitter.scale * (1 + 0.08 * math.sin(swing * 0.7))
    height, width = sitter.portrait.shape[:2]
    x = sitter.middle[0] + 22 * math.sin(swing) - scale * width / 2
    y = sitter.middle[1] + 14 * math.sin(swing * 1.3) - scale * height / 2
    placed = np.array([[scale, 0, x], [0, scale, y]], np.float64)
    cv2.warpAffine(
        sitter.portrait,
        placed,
        (WIDTH, HEIGHT),
        dst=canvas,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )


def _backdrop() -> NDArray[np.uint8]:
    """A wall that is lighter in the middle, with a little colour."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    light = 1 - 0.5 * (((x - WIDTH / 2) / WIDTH) ** 2 + ((y - HEIGHT / 2) / HEIGHT) ** 2)
    wall: NDArray[np.uint8] = (light[..., None] * np.array([150, 140, 125], np.float32)).astype(np.uint8)
    return wall


def _astronaut() -> NDArray[np.uint8]:
    data = _demo_module("skimage.data")
    return np.ascontiguousarray(np.asarray(data.astronaut(), np.uint8)[..., ::-1])


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
