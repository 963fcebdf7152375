"""A deployment for the page to show: cameras, a worker and faces, as real programs write them."""

import threading
import time
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import Self

import numpy as np
import simplejpeg

from ferstream import Face, Result
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.finish import FrameFinisher, answered
from ferstream.streams.frames.previews import read_watched
from ferstream.streams.frames.reader import Entry
from ferstream.streams.frames.status_board import StatusBoard
from ferstream.streams.frames.worker_status import WorkerStatus
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_event, encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Event, Frame, FrameHeader, Preview
from tests.support.records import face

GROUP = "workers"
#: Of the frames, in pixels.
WIDTH, HEIGHT = 1280, 720
#: Where the face is in every frame, xyxy.
BOX = (320.0, 180.0, 560.0, 420.0)
#: Seconds from one frame to the next.
EVERY_S = 0.2


class LivingCameras:
    """Cameras that go on by themselves in a thread, as a context: statuses, frames, results, and previews for who looks.

    `change` gives a camera another status; `quiet` are those whose frames nobody answers; `silent` those of whom nothing is said.
    """

    def __init__(self, redis_url: str, *names: str, previews: str = "plain") -> None:
        self._client = connect(redis_url)
        self._keys = Keys()
        self._previews = previews
        self._clock = ServerClock()
        self._statuses = {name: _live(name) for name in names}
        self.quiet: set[str] = set()
        self.silent: set[str] = set()
        self.faces: dict[str, tuple[Face, ...]] = {}
        self._sequence = 0
        self._ended = threading.Event()
        self._client.xgroup_create(self._keys.frames(0), GROUP, mkstream=True)
        self._finisher = FrameFinisher(self._client, self._keys, group=GROUP, keep_results_s=60.0)
        self._boards = (StatusBoard(self._client, self._keys.cameras), StatusBoard(self._client, self._keys.workers))
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()

    def change(self, name: str, state: str, problem: str = "") -> None:
        """From now on the camera is so."""
        self._statuses[name] = replace(self._statuses[name], state=state, problem=problem)

    def tell(self, *events: Event) -> None:
        """Events, as a tracker writes them."""
        for event in events:
            self._client.xadd(self._keys.events(0), encode_event(event))

    @property
    def now(self) -> float:
        self._clock.set_from(self._client)
        return self._clock.now()

    def _live(self) -> None:
        said_at = 0.0
        while not self._ended.wait(EVERY_S):
            if time.monotonic() - said_at >= 1:
                said_at = time.monotonic()
                self._say()
            for name in self._statuses.keys() - self.quiet - self.silent:
                if self._statuses[name].state == "live":
                    self._see(name)

    def _say(self) -> None:
        """What producer and worker say of themselves each second."""
        cameras, workers = self._boards
        now = self.now
        for name, status in self._statuses.items():
            if status.state == "live":
                self._statuses[name] = replace(status, last_frame_at=now, sequence=self._sequence)
        cameras.renew({name: status for name, status in self._statuses.items() if name not in self.silent})
        worker = WorkerStatus(name="w", state="ready", device="cpu", runtime="openvino", precision="f32")
        workers.renew({"w": worker})

    def _see(self, name: str) -> None:
        """One frame, and its answer."""
        self._sequence += 1
        now = self._clock.now()
        header = FrameHeader(
            camera_id=name, sequence=self._sequence, captured_at=now, deadline=now + 5, width=WIDTH, height=HEIGHT
        )
        fields = encode_frame(Frame(header, picture(640)))
        entry_id = self._client.xadd(self._keys.frames(0), fields).decode()
        result = Result(
            camera_id=name,
            sequence=self._sequence,
            captured_at=now,
            frame_id=entry_id,
            width=WIDTH,
            height=HEIGHT,
            faces=self.faces.get(name, (face(box=BOX),)),
            models={},
            seconds={},
            worker="w",
        )
        watched = read_watched(self._client, self._keys, now).get(name)
        preview = None
        if watched and self._previews != "off":
            size = {"width": watched.max_side, "height": watched.max_side * HEIGHT // WIDTH}
            preview = Preview(
                camera_id=name, sequence=self._sequence, captured_at=now, blurred=False, jpeg=picture(watched.max_side), **size
            )
        entry = Entry(0, entry_id, fields)
        self._finisher.end(0, [answered(entry, result, preview, watched.until if watched else 0.0)], now)


def _live(name: str) -> CameraStatus:
    return CameraStatus(camera_id=name, state="live", url="rtsp://camera/", width=WIDTH, height=HEIGHT, frames_per_second=5.0)


@cache
def picture(side: int) -> bytes:
    """A blue picture whose face is a white square at BOX."""
    pixels = np.zeros((side * HEIGHT // WIDTH, side, 3), np.uint8)
    pixels[:] = (20, 40, 160)
    left, top, right, bottom = (round(value * side / WIDTH) for value in BOX)
    pixels[top:bottom, left:right] = 255
    return simplejpeg.encode_jpeg(pixels, quality=90, colorspace="RGB")
