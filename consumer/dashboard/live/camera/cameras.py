"""The cameras that are remembered: a bounded number, each for as long as something is heard of it."""

import time
from collections import OrderedDict
from collections.abc import Iterator

from ferstream.consumer.dashboard.live.camera.camera_view import CameraView

#: Names come over the wire, where anybody may have written them.
MOST_CAMERAS = 2000
FORGET_S = 3600.0


class Cameras:
    """Views by camera, in the order in which they were heard of last."""

    def __init__(self) -> None:
        self._views: OrderedDict[str, CameraView] = OrderedDict()

    def __iter__(self) -> Iterator[CameraView]:
        return iter(self._views.values())

    def get(self, camera_id: str) -> CameraView | None:
        return self._views.get(camera_id)

    def names(self) -> set[str]:
        return set(self._views)

    def heard(self, camera_id: str) -> CameraView:
        """The view of a camera of which something came; where there are too many, the quietest makes room."""
        view = self._views.get(camera_id)
        if view is None:
            view = self._views[camera_id] = CameraView(camera_id)
            if len(self._views) > MOST_CAMERAS:
                self._views.popitem(last=False)
        view.heard_at = time.monotonic()
        self._views.move_to_end(camera_id)
        return view

    def forget_silent(self) -> None:
        """Those of which nothing came for long."""
        while self._views:
            view = next(iter(self._views.values()))
            if time.monotonic() - view.heard_at < FORGET_S:
                return
            del self._views[view.camera_id]
