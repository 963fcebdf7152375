"""Each picture with the faces of its own frame, whichever of the two comes first."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

#: What waits for its other half waits no longer, and no more than so many of a camera do.
HOLD_S = 1.0
MOST = 64

Frame = tuple[int, float]
"""Sequence and capture time: a producer that starts anew counts from the beginning."""

F = TypeVar("F")
P = TypeVar("P")


@dataclass(slots=True)
class _Half(Generic[F, P]):
    at: float
    faces: F | None = None
    picture: P | None = None


class Pairing(Generic[F, P]):
    """The halves of one camera that wait. Gives each pair once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._halves: OrderedDict[Frame, _Half[F, P]] = OrderedDict()

    def faces(self, frame: Frame, faces: F) -> tuple[F, P] | None:
        """The faces of a frame came: with its picture, where that is here."""
        half = self._half(frame)
        half.faces = faces
        return self._whole(frame, half)

    def picture(self, frame: Frame, picture: P) -> tuple[F, P] | None:
        """The picture of a frame came: with its faces, where those are here."""
        half = self._half(frame)
        half.picture = picture
        return self._whole(frame, half)

    def clear(self) -> None:
        """None waits any more."""
        self._halves.clear()

    def _half(self, frame: Frame) -> _Half[F, P]:
        now = self._clock()
        while self._halves and (len(self._halves) >= MOST or next(iter(self._halves.values())).at < now - HOLD_S):
            self._halves.popitem(last=False)
        return self._halves.setdefault(frame, _Half(now))

    def _whole(self, frame: Frame, half: _Half[F, P]) -> tuple[F, P] | None:
        if half.faces is None or half.picture is None:
            return None
        del self._halves[frame]
        return half.faces, half.picture
