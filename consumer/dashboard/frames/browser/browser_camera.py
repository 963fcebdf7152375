"""`WS /api/browser-camera`: a person's own camera, from the page's frames to the answer for each of them."""

import asyncio
import logging
import time
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from ferstream.consumer.dashboard.api.sockets import farewell, first_of
from ferstream.consumer.dashboard.frames import metrics
from ferstream.consumer.dashboard.frames.browser.in_flight import InFlight, Sent, UploadTime, shares
from ferstream.consumer.dashboard.frames.browser.newest_writer import NewestWriter
from ferstream.consumer.dashboard.frames.browser.outbox import Outbox
from ferstream.consumer.dashboard.frames.browser.page_messages import PageError, PageFrame, read_frame
from ferstream.consumer.dashboard.frames.browser.rate_cap import RateCap
from ferstream.consumer.dashboard.frames.faces import FollowedFaces
from ferstream.consumer.dashboard.frames.sent_camera import SentCamera
from ferstream.consumer.dashboard.frames.sources import FrameSources
from ferstream.consumer.subscribe.sources import Delivery

log = logging.getLogger(__name__)

#: After so many seconds an answer is worth nothing, and no worker begins a frame.
FRESHNESS_S = 1.0
#: An answer that came out in the last moment is still on its way here.
ON_THE_WAY_S = 0.25
#: How often frames without an answer are looked for.
LOOK_S = 0.1
#: A page that sends nothing for so long gives its place to another.
SILENT_S = 60.0
#: WebSocket close codes (RFC 6455 7.4.1).
GOING_AWAY, TRY_LATER = 1001, 1013


class BrowserCamera:
    """One page's frames, on a thread to Redis, and their answers back; `run` is its whole life, and that of its camera."""

    def __init__(self, websocket: WebSocket, sources: FrameSources, camera: SentCamera, fps: float) -> None:
        self._websocket, self._sources, self._camera = websocket, sources, camera
        self._loop = asyncio.get_running_loop()
        self._cap, self._upload, self._faces = RateCap(fps), UploadTime(), FollowedFaces()
        self._in_flight = InFlight(FRESHNESS_S + ON_THE_WAY_S)
        self._outbox = Outbox(websocket)
        self._writer = NewestWriter(camera, FRESHNESS_S, self._written_in_thread)
        self._heard_at = time.monotonic()
        self._why = ""  # the camera ends, though the page is there

    async def run(self) -> None:
        """Until the page goes, or the camera has to end."""
        name, answers = self._camera.camera_id, self._sources.answers
        log.info("browser camera %s began", name)
        metrics.CAMERAS.inc()
        answers.listen(name, self._answered, self._camera.clock.now())
        self._writer.start()
        self._outbox.put({"type": "started", "camera": name})
        try:
            await first_of(self._receive(), self._outbox.run(), self._look())
            with suppress(RuntimeError, WebSocketDisconnect, OSError):  # it is gone, most likely
                if self._why:
                    await self._outbox.send({"type": "refused", "why": self._why})
                await farewell(self._websocket, GOING_AWAY if self._why else TRY_LATER)
        finally:
            metrics.CAMERAS.dec()
            await self._sources.leave(self._camera, self._writer.stop)
            log.info("browser camera %s ended", name)

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._heard_at = time.monotonic()
            if not self._take(message.get("bytes") or b""):
                await asyncio.sleep(0)  # a page that floods us must not keep the others waiting

    def _take(self, message: bytes) -> bool:
        """Whether a frame is on its way to Redis."""
        try:
            frame = read_frame(message)
        except PageError as error:
            self._camera.captured(0, 0)
            self._give_up("picture", error.sequence, str(error))
            return False
        sequence, now = self._camera.captured(frame.width, frame.height)
        if not self._cap.allows(time.monotonic()):
            self._give_up("rate", frame.sequence, f"more than {self._cap.fps:g} frames a second")
            return False
        self._leave_to_writer(sequence, now, frame)
        return True

    def _leave_to_writer(self, sequence: int, now: float, frame: PageFrame) -> None:
        self._in_flight.add(sequence, Sent(frame.sequence, now, self._upload.of(frame.page_time, now)))
        if (replaced := self._writer.put(sequence, now, frame)) is not None:
            self._tell_dropped(replaced, "a newer frame came before Redis had taken it")

    async def _look(self) -> None:
        """Tell of frames that have no answer; ends where this camera has to."""
        while not self._why:
            await asyncio.sleep(LOOK_S)
            for sent in self._in_flight.overdue(self._camera.clock.now()):
                self._tell(sent.page_sequence, f"no worker answered it within {FRESHNESS_S:g} s")
            if time.monotonic() - self._heard_at > SILENT_S:
                self._why = f"the page has sent nothing for {SILENT_S:g} s"
            if self._camera.lost:
                self._why = self._camera.lost

    def _answered(self, delivery: Delivery) -> None:
        result, received_at = delivery.result, self._camera.clock.now()
        faces = self._faces.update(result)
        if not (sent := self._in_flight.take(result.sequence)):
            return
        now = self._camera.clock.now()
        metrics.ANSWER.labels("browser").observe(max(0.0, now - sent.arrived_at))
        self._outbox.put(
            {
                "type": "result",
                "sequence": sent.page_sequence,
                "width": result.width,
                "height": result.height,
                "faces": faces,
                "seconds": shares(sent, delivery, received_at, now),
                "captured_at": result.captured_at,
            }
        )

    def _written_in_thread(self, sequence: int, why: str) -> None:
        with suppress(RuntimeError):  # the loop has ended
            if why:
                self._loop.call_soon_threadsafe(self._tell_dropped, sequence, why)
            else:
                self._loop.call_soon_threadsafe(self._in_flight.written, sequence, self._camera.clock.now())

    def _give_up(self, reason: str, page_sequence: int | None, why: str) -> None:
        self._camera.drop(reason)
        self._tell(page_sequence, why)

    def _tell_dropped(self, sequence: int, why: str) -> None:
        if sent := self._in_flight.take(sequence):
            self._tell(sent.page_sequence, why)

    def _tell(self, page_sequence: int | None, why: str) -> None:
        self._outbox.put({"type": "dropped", "sequence": page_sequence, "why": why})
