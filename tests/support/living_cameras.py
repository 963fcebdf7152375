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


class LivingCameras:
    """Cameras that go on by themselves in a thread, as a context: statuses, frames, results, and previews for who looks.

    `change` gives a camera another status; `quiet` are those whose frames nobody answers; `silent` those of whom nothing is said.
    `faces_of` and `picture_of` are what each frame shows.
    """

    def __init__(self, redis_url: str, *names: str, previews: bool = True, every_s: float = 0.2) -> None:
        self._client = connect(redis_url)
        self._keys = Keys()
        self._previews, self._every_s = previews, every_s
        self._clock = ServerClock()
        self._statuses = {name: _live(name) for name in names}
        self.quiet: set[str] = set()
        self.silent: set[str] = set()
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

    def faces_of(self, sequence: int) -> tuple[Face, ...]:
        """The faces in a frame."""
        return (face(box=BOX),)

    def picture_of(self, sequence: int, side: int) -> bytes:
        """A frame as a JPEG whose longer side has so many pixels."""
        return picture(side)

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
        while not self._ended.wait(self._every_s):
            if time.monotonic() - said_at >= 1:
                said_at = time.monotonic()
                self._say()
            self._see([name for name, status in self._statuses.items() if self._is_seen(name, status)])

    def _is_seen(self, name: str, status: CameraStatus) -> bool:
        return status.state == "live" and name not in self.quiet | self.silent

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

    def _see(self, names: list[str]) -> None:
        """A frame of each, and its answer."""
        now = self._clock.now()
        watched = read_watched(self._client, self._keys, now) if self._previews else {}
        endings = []
        for name in names:
            self._sequence += 1
            looks = watched.get(name)
            preview = self._preview(name, now, looks.max_side) if looks else None
            entry = self._write(name, now)
            endings.append(answered(entry, self._result(name, now, entry.entry_id), preview, looks.until if looks else 0.0))
        self._finisher.end(0, endings, now)

    def _write(self, name: str, now: float) -> Entry:
        header = FrameHeader(
            camera_id=name, sequence=self._sequence, captured_at=now, deadline=now + 5, width=WIDTH, height=HEIGHT
        )
        fields = encode_frame(Frame(header, picture(64)))
        return Entry(0, self._client.xadd(self._keys.frames(0), fields).decode(), fields)

    def _result(self, name: str, now: float, frame_id: str) -> Result:
        return Result(
            camera_id=name,
            sequence=self._sequence,
            captured_at=now,
            frame_id=frame_id,
            width=WIDTH,
            height=HEIGHT,
            faces=self.faces_of(self._sequence),
            models={},
            seconds={},
            worker="w",
        )

    def _preview(self, name: str, now: float, side: int) -> Preview:
        return Preview(
            camera_id=name,
            sequence=self._sequence,
            captured_at=now,
            width=side,
            height=side * HEIGHT // WIDTH,
            blurred=False,
            jpeg=self.picture_of(self._sequence, side),
        )


def _live(name: str) -> CameraStatus:
    return CameraStatus(camera_id=name, state="live", url="rtsp://camera/", width=WIDTH, height=HEIGHT, frames_per_second=5.0)


@cache
def picture(side: int, box: tuple[float, float, float, float] = BOX) -> bytes:
    """A blue picture whose face is a white square."""
    return simplejpeg.encode_jpeg(pixels(side, box), quality=90, colorspace="RGB")


def pixels(side: int, box: tuple[float, float, float, float]) -> np.ndarray:
    """(h, w, 3) uint8."""
    drawn = np.zeros((side * HEIGHT // WIDTH, side, 3), np.uint8)
    drawn[:] = (20, 40, 160)
    left, top, right, bottom = (round(value * side / WIDTH) for value in box)
    drawn[top:bottom, left:right] = 255
    return drawn
