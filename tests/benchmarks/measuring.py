"""What benchmarks share: the pictures they use, and how a call is timed."""

import time
from collections.abc import Callable
from statistics import median

import cv2
import simplejpeg
from skimage import data


def make_frames(count: int, faces: int = 3) -> list[bytes]:
    """720p JPEGs with up to three faces each, on a background with texture: a head at three sizes, moved from frame to frame."""
    head = data.astronaut()[0:240, 110:350]
    texture = cv2.resize(data.coffee(), (1280, 720), interpolation=cv2.INTER_AREA)
    frames = []
    for number in range(count):
        canvas = texture.copy()
        for place, side in enumerate((300, 340, 380)[:faces]):
            x, y = 20 + place * 420 + number % 16, 100 + (number * 3 + place * 40) % 200
            canvas[y : y + side, x : x + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_LINEAR)
        frames.append(simplejpeg.encode_jpeg(canvas, quality=85, colorsubsampling="420"))
    return frames


def per_item_s(call: Callable[[], object], items: int, seconds: float = 3.0) -> float:
    """Median seconds an item of repeated calls, after two that do not count."""
    call()
    call()
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 3:
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) / items)
    return median(times)
