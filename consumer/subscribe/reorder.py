"""Leaving out results that came before, and putting each camera's back into the order of capture, within a window of time."""

import heapq
import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from ferstream.streams.wire.messages import Result

#: Repeats come within seconds of each other; at 30 frames a second this looks back about half a minute.
REMEMBERED_A_CAMERA = 1000
REMEMBERED_CAMERAS = 10_000
#: A result this much older than its predecessor is not late: the camera's clock was set back, and its order begins anew.
CLOCK_SET_BACK_S = 60.0
CAMERAS = 10_000
#: Results of one camera that wait at most, whatever the window.
WAITING_A_CAMERA = 5000


class Deduplicator:
    """Remembers the last results of each camera. Memory is bounded: the camera that was quiet longest is forgotten first.

    Redis may deliver an entry twice, and a worker may publish a frame's result twice. The capture time is part of a frame's
    name here, so that a producer that starts to count anew repeats nothing.
    """

    def __init__(self, a_camera: int = REMEMBERED_A_CAMERA, cameras: int = REMEMBERED_CAMERAS) -> None:
        self._a_camera, self._cameras = a_camera, cameras
        self._seen: OrderedDict[str, OrderedDict[tuple[int, float], None]] = OrderedDict()

    def is_new(self, result: Result) -> bool:
        """Remember a result; False where it was known."""
        names = self._seen.setdefault(result.camera_id, OrderedDict())
        self._seen.move_to_end(result.camera_id)
        name = (result.sequence, result.captured_at)
        if name in names:
            return False
        names[name] = None
        if len(names) > self._a_camera:
            names.popitem(last=False)
        if len(self._seen) > self._cameras:
            self._seen.popitem(last=False)
        return True


class HoldsResult(Protocol):
    """What can be put in order: a result and the id of its entry, which orders results of the same frame."""

    @property
    def result(self) -> Result: ...

    @property
    def entry_id(self) -> str: ...


T = TypeVar("T", bound=HoldsResult)
Key = tuple[float, float]  # (captured_at, sequence)
_NONE: Key = (-math.inf, -math.inf)


@dataclass(slots=True)
class _Camera(Generic[T]):
    waiting: list[tuple[Key, str, T]] = field(default_factory=list)
    newest: float = -math.inf
    limit: Key = _NONE  # everything up to here may go
    gone: Key = _NONE  # the last one that went


class ReorderBuffer(Generic[T]):
    """Holds each result until its window is over, by the clock or by a newer capture, or until nothing can come before it."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._cameras: OrderedDict[str, _Camera[T]] = OrderedDict()
        self._arrivals: deque[tuple[float, str, Key]] = deque()

    def push(self, delivery: T, now: float) -> bool:
        """Take one in, `now` being any steady clock; False where it is late: a newer one of its camera is out."""
        result = delivery.result
        camera = self._camera(result.camera_id)
        key = (result.captured_at, float(result.sequence))
        if key < camera.gone:
            if camera.gone[0] - result.captured_at < CLOCK_SET_BACK_S + self._window_s:
                return False
            camera.gone, camera.limit, camera.newest = _NONE, _NONE, -math.inf
        heapq.heappush(camera.waiting, (key, delivery.entry_id, delivery))
        self._arrivals.append((now, result.camera_id, key))
        camera.newest = max(camera.newest, result.captured_at)
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
                key, _, delivery = heapq.heappop(camera.waiting)
                camera.gone = key
                ready.append(delivery)
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
