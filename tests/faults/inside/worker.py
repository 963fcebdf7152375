"""The real fer-worker with a fault inside.

DIE is `place:n`: SIGKILL at the n-th batch of that place: a stage (`decode`, `detect`, `classify`), `read` (just after a read
from Redis), `publish` (before results go out) or `published` (after that, before anything else is done).
MEMORY is the largest batch of the detector for which the device has memory. SLOW is how many seconds the detector needs for a
picture beside its own. CROWD is how many faces the detector finds in each picture that is CROWD_WIDTH wide.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from ferstream.streams.frames.finish import FrameFinisher
from ferstream.streams.frames.reader import FrameReader
from ferstream.workers.cli import main as run
from ferstream.workers.models.detector import Boxes, Detector
from ferstream.workers.models.runtimes.runtime import OutOfMemory
from ferstream.workers.pipeline.stage import Stage

CROWD_WIDTH = 640


def main() -> None:
    if place := os.environ.get("DIE"):
        die_at(*place.split(":"))
    if batch := os.environ.get("MEMORY"):
        bound_memory(int(batch))
    if seconds := os.environ.get("SLOW"):
        slow_down(float(seconds))
    if faces := os.environ.get("CROWD"):
        crowd(int(faces))
    run()


def die_at(place: str, number: str) -> None:
    calls = count(1)

    def die() -> None:
        if next(calls) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    if place == "read":
        _around(FrameReader, "read", after=die, counts=bool)
    elif place == "publish":
        _around(FrameFinisher, "publish", before=die)
    elif place == "published":
        _around(FrameFinisher, "publish", after=die)
    else:
        begin = Stage.__init__

        def init(self: Any, name: str, channel: Any, work: Callable[[Any], None], *rest: Any, **more: Any) -> None:
            begin(self, name, channel, _first(die, work) if name == place else work, *rest, **more)

        Stage.__init__ = init  # type: ignore[method-assign]


def bound_memory(batch: int) -> None:
    detect = Detector.__call__

    def bounded(self: Detector, pictures: Sequence[Any], *rest: Any) -> list[Boxes]:
        if len(pictures) > batch:
            raise OutOfMemory(f"no memory for {len(pictures)} pictures (injected)")
        return detect(self, pictures, *rest)

    Detector.__call__ = bounded  # type: ignore[method-assign]


def slow_down(seconds: float) -> None:
    detect = Detector.__call__

    def slower(self: Detector, pictures: Sequence[Any], *rest: Any) -> list[Boxes]:
        time.sleep(seconds * len(pictures))
        return detect(self, pictures, *rest)

    Detector.__call__ = slower  # type: ignore[method-assign]


def crowd(faces: int) -> None:
    detect = Detector.__call__
    x = np.arange(faces, dtype=np.float32) % 20 * 30
    y = np.arange(faces, dtype=np.float32) // 20 * 30
    boxes = Boxes(
        np.stack([x, y, x + 28, y + 28], axis=1), np.full(faces, 0.9, np.float32), np.full((faces, 5, 2), np.nan, np.float32)
    )

    def crowded(self: Detector, pictures: Sequence[Any], *rest: Any) -> list[Boxes]:
        found = detect(self, pictures, *rest)
        return [boxes if picture.shape[1] == CROWD_WIDTH else here for picture, here in zip(pictures, found, strict=True)]

    Detector.__call__ = crowded  # type: ignore[method-assign]


def _first(die: Callable[[], None], work: Callable[[Any], None]) -> Callable[[Any], None]:
    def first(batch: Any) -> None:
        die()
        work(batch)

    return first


def _around(
    owner: type,
    name: str,
    *,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
    counts: Callable[[Any], bool] = lambda _: True,
) -> None:
    method = getattr(owner, name)

    def around(*arguments: Any, **more: Any) -> Any:
        before()
        reply = method(*arguments, **more)
        if counts(reply):
            after()
        return reply

    setattr(owner, name, around)
