"""What all viewers share: one reading of results, events, pictures and the deployment, and the messages made of it once."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from ferstream.consumer.dashboard.live import messages
from ferstream.consumer.dashboard.live.camera_view import AnyPreview, CameraView, picture_of
from ferstream.consumer.dashboard.live.feed import Feed
from ferstream.consumer.dashboard.live.history import History
from ferstream.consumer.dashboard.live.listener import Listener
from ferstream.consumer.dashboard.live.look import Look, Looker
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.live.timeline import Timeline
from ferstream.consumer.dashboard.live.viewer import SEND_S, Viewer
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.consumer.subscribe.sources import Delivery, EventDelivery
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.service.heartbeat import Heartbeat, LoopWatch

#: Cameras that are remembered, and for how long after their last word.
MOST_CAMERAS = 2000
FORGET_S = 3600.0
#: An event loop that does not come round for so long hangs.
HANGS_S = 10.0
NOT_SEEN_YET = "Redis has not answered yet"


class Hub:
    """One a process, in its event loop: entered, it reads until it is left. Redis may go and come back meanwhile."""

    def __init__(self, settings: DashboardSettings, metrics: DashboardMetrics) -> None:
        self._settings, self.metrics = settings, metrics
        self.history = History()
        self._heartbeat = Heartbeat()
        self._watch = LoopWatch({"the event loop": self._heartbeat.silent_s}, HANGS_S)
        self.look = Look(None, {}, NOT_SEEN_YET)
        self._viewers: set[Viewer] = set()
        self._listeners: set[Listener] = set()
        self._cameras: OrderedDict[str, tuple[CameraView, Timeline]] = OrderedDict()
        self._statuses: dict[str, CameraStatus] = {}
        self._tracker = FaceTracker()
        self._tasks: list[asyncio.Task[None]] = []
        self._looker: Looker | None = None
        self._status = b""

    async def __aenter__(self) -> Self:
        settings = self._settings
        feed = Feed(settings.redis_url, settings.prefix, settings.shards)
        self._looker = Looker(settings.redis_url, settings.prefix, self._take_look)
        undecodable = self.metrics.undecodable.inc
        for task in (feed.results(self._take_result, undecodable), feed.events(self._take_event, undecodable), self._tick()):
            self._tasks.append(asyncio.create_task(task))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._looker:
            self._looker.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._heartbeat.rest()

    def add(self, viewer: Viewer) -> None:
        """From now on it is told."""
        self._viewers.add(viewer)
        self.metrics.viewers.set(len(self._viewers))
        if self.look.away:
            viewer.offer_event(messages.away_text(self.look.away))
        elif self._status:
            viewer.offer("status", "", messages.status_text(self._status))

    def remove(self, viewer: Viewer) -> None:
        """It is gone."""
        self._viewers.discard(viewer)
        self.metrics.viewers.set(len(self._viewers))

    def listen(self, listener: Listener) -> None:
        """It is told of events until `forget`."""
        self._listeners.add(listener)

    def forget(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def end_listeners(self) -> None:
        """Whoever listens is let go: the server ends."""
        for listener in self._listeners:
            listener.close()

    @property
    def away(self) -> str:
        """Why Redis cannot be seen now; empty where it can."""
        return self.look.away

    def unready(self) -> str | None:
        """Why it is not fit for work, in a line, or None."""
        return self.look.away or None

    def unhealthy(self) -> str | None:
        """Which part of it hangs, in a line, or None."""
        return self._watch.problem()

    @property
    def now(self) -> float:
        """Seconds since the epoch on Redis's clock, as of its last answer."""
        return time.time() + self._skew_s

    _skew_s = 0.0

    def status(self) -> bytes:
        """The object of GET /api/status as JSON; empty before the first look."""
        return self._status

    def cameras(self) -> list[str]:
        """All that are known, by name."""
        return sorted({*self._statuses, *self._cameras})

    def camera(self, camera_id: str) -> CameraView | None:
        known = self._cameras.get(camera_id)
        return known[0] if known else None

    def camera_status(self, camera_id: str) -> CameraStatus | None:
        """What its producer says of it."""
        return self._statuses.get(camera_id)

    def timeline(self, camera_id: str) -> Timeline | None:
        known = self._cameras.get(camera_id)
        return known[1] if known else None

    def _known(self, camera_id: str) -> tuple[CameraView, Timeline]:
        known = self._cameras.get(camera_id)
        if known is None:
            known = self._cameras[camera_id] = CameraView(camera_id), Timeline()
            if len(self._cameras) > MOST_CAMERAS:
                self._cameras.popitem(last=False)
        known[0].heard_at = time.monotonic()
        self._cameras.move_to_end(camera_id)
        return known

    def _take_result(self, delivery: Delivery) -> None:
        shown, _ = self._tracker.update(delivery.result)
        view, _ = self._known(shown.camera_id)
        faces = view.take_result(shown, delivery.latency_s)
        if any(viewer.sees_pictures(shown.camera_id) for viewer in self._viewers):
            self._send_picture(view.pair_faces(faces))
        self._send_faces(view, faces)

    def take_picture(self, preview: AnyPreview, camera_id: str) -> None:
        """A small picture of a frame came."""
        view, _ = self._known(camera_id)
        self._send_picture(view.pair_picture(preview))

    def _send_picture(self, pair: tuple[messages.Faces, AnyPreview] | None) -> None:
        if pair is None:
            return
        faces, preview = pair
        message = messages.picture_bytes(picture_of(faces, preview), preview.jpeg)
        for viewer in self._viewers:
            if viewer.sees_pictures(faces.camera):
                viewer.offer("picture", faces.camera, message)

    def _send_faces(self, view: CameraView, faces: messages.Faces) -> None:
        """To those whom no picture brings them."""
        text = ""
        for viewer in self._viewers:
            with_picture = view.gives_pictures and viewer.sees_pictures(faces.camera)
            if viewer.sees_results(faces.camera) and not with_picture:
                text = text or messages.faces_text(faces)
                viewer.offer("faces", faces.camera, text)

    def _take_event(self, delivery: EventDelivery) -> None:
        event = delivery.event
        self.history.add(event)
        _, timeline = self._known(event.camera_id)
        timeline.take(event)
        if self._viewers:
            text = messages.event_text(event)
            self._tell(lambda viewer: viewer.offer_event(text))
        for listener in self._listeners:
            listener.offer(event)

    def _take_look(self, look: Look) -> None:
        before, self.look = self.look, look
        if look.deployment is None:
            if look.away != before.away:
                self._tell(lambda viewer: viewer.offer_event(messages.away_text(look.away)))
            return
        self._skew_s = look.deployment.at - time.time()
        self._statuses = {camera.camera_id: camera for camera in look.deployment.cameras}
        figures = {camera_id: view.figures() for camera_id, (view, _) in self._cameras.items()}
        self._status = msgspec.json.encode(look.status | {"figures": figures})
        text = messages.status_text(self._status)
        if before.away and before.away != NOT_SEEN_YET:
            self._tell(lambda viewer: viewer.offer_event(messages.back_text()))
        self._tell(lambda viewer: viewer.offer("status", "", text))

    def _tell(self, tell: Callable[[Viewer], Any]) -> None:
        for viewer in self._viewers:
            tell(viewer)

    async def _tick(self) -> None:
        """Once a second: who does not read is let go, and who was not heard of for long is forgotten."""
        while True:
            self._heartbeat.beat()
            for viewer in list(self._viewers):
                if viewer.stuck_s() > SEND_S:
                    viewer.drop("slow")
            self._forget_cameras()
            await asyncio.sleep(1)

    def _forget_cameras(self) -> None:
        while self._cameras:
            view, _ = next(iter(self._cameras.values()))
            if time.monotonic() - view.heard_at < FORGET_S:
                return
            self._cameras.popitem(last=False)
