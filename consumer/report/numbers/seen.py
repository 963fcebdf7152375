"""What was seen in one frame, as far as a report needs it, and such frames in order of time."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

#: Files hold results as they came, which is out of order by seconds.
WINDOW_S = 15.0


class Seen(NamedTuple):
    """One frame: `at` in seconds, and of each face the name of its emotion, and the number of its track where one is known."""

    at: float
    sequence: int
    camera_id: str
    emotions: tuple[str, ...]
    tracks: tuple[int, ...] = ()


@dataclass(slots=True)
class _Camera(Generic[T]):
    waiting: list[tuple[float, int, int, T]] = field(default_factory=list)
    newest: float = float("-inf")
    given: tuple[float, int] = (float("-inf"), -1)


class InOrder(Generic[T]):
    """Records of each camera in order of time, each once. It holds those of `window_s`; what is later than that is left out."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._cameras: dict[str, _Camera[T]] = {}
        self._added = 0
        self.left_out = 0

    def add(self, camera_id: str, at: float, sequence: int, record: T) -> Iterator[T]:
        """Take one in, which `(at, sequence)` names; gives those whose turn it is."""
        camera = self._cameras.setdefault(camera_id, _Camera())
        self._added += 1  # of two with one name the first, whatever they are
        heapq.heappush(camera.waiting, (at, sequence, self._added, record))
        camera.newest = max(camera.newest, at)
        while camera.waiting and camera.waiting[0][0] <= camera.newest - self._window_s:
            yield from self._next(camera)

    def rest(self) -> Iterator[T]:
        """No more will come."""
        for camera in self._cameras.values():
            while camera.waiting:
                yield from self._next(camera)

    def _next(self, camera: _Camera[T]) -> Iterator[T]:
        at, sequence, _, record = heapq.heappop(camera.waiting)
        if (at, sequence) > camera.given:
            camera.given = (at, sequence)
            yield record
        else:  # stored twice, or far too late
            self.left_out += 1
