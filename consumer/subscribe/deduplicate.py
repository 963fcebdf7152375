"""Leaving out results that came before."""

from collections import OrderedDict

from ferstream.streams.wire.messages import Result

#: Repeats come within seconds of each other; at 30 frames a second this looks back about half a minute.
REMEMBERED_A_CAMERA = 1000
REMEMBERED_CAMERAS = 10_000


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
