"""`fer-producer check`: opens every camera once and says what it found."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TypeAlias

import av

from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.sources.factory import source_for
from ferstream.producer.sources.finding import Finding
from ferstream.producer.sources.source import Picture
from ferstream.streams.errors import FerstreamError

#: Keeps a camera's first picture, and says where.
Keep: TypeAlias = Callable[[CameraConfig, Picture], str]


def probe_all(cameras: list[CameraConfig], timeout_s: float, keep: Keep | None = None) -> list[Finding]:
    """One finding a camera, in their order, after `timeout_s` at the latest: all are opened at once."""
    probes = [_Probe(camera, keep) for camera in cameras]
    for probe in probes:
        probe.thread.start()
    end = time.monotonic() + timeout_s
    for probe in probes:
        probe.thread.join(max(0.0, end - time.monotonic()))
    return [probe.finding(timeout_s) for probe in probes]


class _Probe:
    """Opens one camera on a thread of its own. A thread that hangs is left behind: it is a daemon."""

    def __init__(self, camera: CameraConfig, keep: Keep | None) -> None:
        self._camera, self._keep = camera, keep
        self._stop = threading.Event()
        self._found: Finding | None = None
        self.thread = threading.Thread(target=self._run, name=f"check-{camera.camera_id}", daemon=True)

    def finding(self, timeout_s: float) -> Finding:
        self._stop.set()
        return self._found or self._failed(f"no picture within {timeout_s:g} s")

    def _run(self) -> None:
        try:
            with closing(source_for(self._camera, self._stop)) as source:
                info = source.open()
                frame = next(iter(source.frames()), None)
                kept = self._keep(self._camera, frame.picture) if self._keep and frame else ""
        except FerstreamError as error:
            self._found = self._failed(str(error))
            return
        except Exception as error:  # noqa: BLE001 - one camera's surprise is its finding; its text may hold the URL
            self._found = self._failed(f"unexpected {type(error).__name__}")
            return
        if frame is None:
            self._found = self._failed("it gave no picture")
            return
        picture = frame.picture
        width, height = (picture.width, picture.height) if isinstance(picture, av.VideoFrame) else picture.shape[1::-1]
        whole = Finding(name=self._camera.camera_id, url=self._camera.shown_url, state="ok", codec=info.codec)
        self._found = replace(whole, size=f"{width}x{height}", fps=round(info.fps, 2), frames=info.frames, picture=kept)

    def _failed(self, problem: str) -> Finding:
        return Finding(name=self._camera.camera_id, url=self._camera.shown_url, state="failed", problem=problem)
