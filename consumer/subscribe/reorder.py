"""Putting each camera's messages back into the order of capture, within a window of time."""

import heapq
import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

#: A result this much older than its predecessor is not late: the camera's clock was set back, and its order begins anew.
CLOCK_SET_BACK_S = 60.0
CAMERAS = 10_000
#: Results of one camera that wait at most, whatever the window.
WAITING_A_CAMERA = 5000

T = TypeVar("T")
Key = tuple[float, float]  # when it was captured, and its frame's sequence
_NONE: Key = (-math.inf, -math.inf)


@dataclass(slots=True)
class _Camera(Generic[T]):
    waiting: list[tuple[Key, int, T]] = field(default_factory=list)
    newest: float = -math.inf
    limit: Key = _NONE  # everything up to here may go
    gone: Key = _NONE  # the last one that went


class ReorderBuffer(Generic[T]):
    """Holds each item until its window is over, by the clock or by a newer capture, or until nothing can come before it."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._cameras: OrderedDict[str, _Camera[T]] = OrderedDict()
        self._arrivals: deque[tuple[float, str, Key]] = deque()
        self._pushed = 0

    def push(self, camera_id: str, key: Key, item: T, now: float) -> bool:
        """Take in an `item`, `now` being any steady clock; False where it is late: a newer one of its camera is out."""
        camera = self._camera(camera_id)
        if key < camera.gone:
            if camera.gone[0] - key[0] < CLOCK_SET_BACK_S + self._window_s:
                return False
            camera.gone, camera.limit, camera.newest = _NONE, _NONE, -math.inf
        self._pushed += 1
        heapq.heappush(camera.waiting, (key, self._pushed, item))
        self._arrivals.append((now, camera_id, key))
        camera.newest = max(camera.newest, key[0])
        camera.limit = max(camera.limit, (camera.newest - self._window_s, math.inf))
        if len(camera.waiting) > WAITING_A_CAMERA:
            camera.limit = max(camera.limit, camera.waiting[0][0])
        return True

    def pop(self, now: float) -> list[T]:
        """What may go, in order of capture for each camera; `now` of infinity empties the buffer."""
        while self._arrivals and self._arrivals[0][0] + self._window_s <= now:
            _, camera_id, key = self._arrivals.popleft()
            if camera := self._cameras.get(camera_id):
                camera.limit = max(camera.limit, key)
        ready: list[T] = []
        for camera in self._cameras.values():
            while camera.waiting and self._may_go(camera):
                key, _, item = heapq.heappop(camera.waiting)
                camera.gone = key
                ready.append(item)
        return ready

    def next_at(self) -> float | None:
        """When the oldest arrival's window is over, on the clock of `push`."""
        return self._arrivals[0][0] + self._window_s if self._arrivals else None

    @staticmethod
    def _may_go(camera: _Camera[T]) -> bool:
        first = camera.waiting[0][0]
        return first <= camera.limit or first[1] == camera.gone[1] + 1  # the very next frame: nothing can come between

    def _camera(self, camera_id: str) -> _Camera[T]:
        camera = self._cameras.setdefault(camera_id, _Camera())
        self._cameras.move_to_end(camera_id)
        if len(self._cameras) > CAMERAS:
            quietest = next(iter(self._cameras))
            if not self._cameras[quietest].waiting:
                del self._cameras[quietest]
        return camera
