"""The thread that writes one browser camera's frames: the newest of them, whenever Redis has taken the one before."""

import threading
import time
from collections.abc import Callable

from ferstream.consumer.dashboard.frames.browser.page_messages import PageFrame
from ferstream.consumer.dashboard.frames.sent_camera import NotTaken, SentCamera
from ferstream.streams.service.threads import vital_thread
from ferstream.streams.wire.messages import Frame, FrameHeader

MAINTAIN_EVERY_S = 1.0

#: Told of each frame, from the thread: its sequence, and why it was dropped, "" where Redis has it.
Told = Callable[[int, str], None]


class NewestWriter:
    """Begins with `start`; `stop` ends it, and with it what Redis holds of the camera."""

    def __init__(self, camera: SentCamera, freshness_s: float, told: Told) -> None:
        self._camera, self._freshness_s, self._told = camera, freshness_s, told
        self._changed = threading.Condition()
        self._newest: tuple[int, float, PageFrame] | None = None
        self._stopped = False
        self._thread = vital_thread(self._run, f"write-{camera.camera_id}")

    def start(self) -> None:
        self._thread.start()

    def put(self, sequence: int, captured_at: float, frame: PageFrame) -> int | None:
        """Leave a frame to the thread; returns the sequence of one that waited and is dropped for it."""
        with self._changed:
            before, self._newest = self._newest, (sequence, captured_at, frame)
            self._changed.notify()
        if before is None:
            return None
        self._camera.drop("busy")
        return before[0]

    def stop(self) -> None:
        """Write no more, and leave Redis; waits for that."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        maintain_at = time.monotonic() + MAINTAIN_EVERY_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._newest is not None, maintain_at - time.monotonic())
                newest, self._newest = self._newest, None
                if self._stopped:
                    break
            if newest is not None:
                self._write(*newest)
            if time.monotonic() >= maintain_at:
                maintain_at = time.monotonic() + MAINTAIN_EVERY_S
                self._camera.maintain()
        if newest is not None:
            self._camera.drop("stopped")
        self._camera.leave()

    def _write(self, sequence: int, captured_at: float, frame: PageFrame) -> None:
        header = FrameHeader(
            camera_id=self._camera.camera_id,
            sequence=sequence,
            captured_at=captured_at,
            deadline=captured_at + self._freshness_s,
            width=frame.width,
            height=frame.height,
            producer=self._camera.producer,
        )
        try:
            self._camera.write(Frame(header, frame.jpeg))
        except NotTaken as error:
            self._told(sequence, str(error))
        else:
            self._told(sequence, "")
