"""What all viewers share: one reading of results, events, pictures and the deployment."""

import asyncio
import time
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self

import msgspec

from ferstream.consumer.dashboard.frames.names import is_upload
from ferstream.consumer.dashboard.live import messages
from ferstream.consumer.dashboard.live.camera.camera_view import CameraView
from ferstream.consumer.dashboard.live.camera.cameras import Cameras
from ferstream.consumer.dashboard.live.feed import Feed
from ferstream.consumer.dashboard.live.history import History
from ferstream.consumer.dashboard.live.known_tracks import take_over
from ferstream.consumer.dashboard.live.listener import Listener
from ferstream.consumer.dashboard.live.look import Look, Looker
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.live.pictures import Pictures
from ferstream.consumer.dashboard.live.viewer import Viewer
from ferstream.consumer.dashboard.live.viewers import Viewers
from ferstream.consumer.dashboard.live.vital_task import vital_task
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.consumer.subscribe.sources import Delivery, EventDelivery
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.frames.previews import SIDES
from ferstream.streams.redis_client.connect import connect_async
from ferstream.streams.service.heartbeat import Heartbeat, LoopWatch
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Preview

#: An event loop that does not come round for so long hangs.
HANGS_S = 10.0
#: A look that takes longer sees nothing now.
LOOK_S = 4.0
#: Nobody is followed any more in front of a camera that gave no result for so long: as `fer-consumer track` has it.
SILENT_S = 60.0


class Hub:
    """One a process, in its event loop: entered, it reads until it is left. Redis may go and come back meanwhile."""

    def __init__(self, settings: DashboardSettings, metrics: DashboardMetrics) -> None:
        self._settings, self.metrics = settings, metrics
        self.history, self.viewers = History(), Viewers(metrics)
        self._cameras = Cameras()
        self._listeners: set[Listener] = set()
        self._tracker = FaceTracker()
        self._heartbeat = Heartbeat()
        self._watch = LoopWatch({"the event loop": self._heartbeat.silent_s}, HANGS_S)
        self._tasks: list[asyncio.Task[None]] = []
        self._looker: Looker | None = None
        self._pictures = Pictures(settings.redis_url, self._wanted_pictures, lambda: self.now, self._take_picture)
        self._picture_keys: Keys | None = None
        self._picture_task: asyncio.Task[None] | None = None
        self._asked: dict[str, float] = {}  # cameras of which one picture is asked for, until when
        self._looked_at, self._clock_ahead_s = time.monotonic(), 0.0
        self._statuses: dict[str, dict[str, Any]] = {}
        self._status = b""
        #: Why Redis cannot be seen now; empty where it can.
        self.away = "Redis has not answered yet"

    async def __aenter__(self) -> Self:
        settings, undecodable = self._settings, self.metrics.undecodable.inc
        feed = Feed(settings.redis_url, settings.prefix, settings.shards)
        self._looker = Looker(settings.redis_url, settings.prefix, self._take_look)
        self._tasks = [
            vital_task(feed.results(self._take_result, undecodable, self._begin), "results"),
            vital_task(feed.events(self._take_event, undecodable), "events"),
            vital_task(self._tick(), "ticks"),
        ]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._looker:
            self._looker.close()
        tasks = [*self._tasks, *([self._picture_task] if self._picture_task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._heartbeat.rest()

    def add(self, viewer: Viewer) -> None:
        """From now on it is told."""
        self.viewers.add(viewer)
        if self.away:
            viewer.offer("status", "", messages.away_text(self.away))
        else:
            viewer.offer("status", "", messages.status_text(self._status))

    def remove(self, viewer: Viewer) -> None:
        """It is gone."""
        self.viewers.remove(viewer)

    def listen(self, listener: Listener) -> None:
        """It is told of events until `forget`."""
        self._listeners.add(listener)

    def forget(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def end_listeners(self) -> None:
        """Whoever listens is let go: the server ends."""
        for listener in self._listeners:
            listener.close()

    def unready(self) -> str | None:
        """Why it is not fit for work, in a line, or None."""
        return self.away or None

    def unhealthy(self) -> str | None:
        """Which part of it hangs, in a line, or None."""
        return self._watch.problem()

    @property
    def now(self) -> float:
        """Seconds since the epoch on Redis's clock, as of its last answer."""
        return time.time() + self._clock_ahead_s

    def status(self) -> bytes:
        """The object of GET /api/status as JSON, of the last look that saw something; empty before the first."""
        return self._status

    def cameras(self) -> list[str]:
        """All that are known, by name."""
        return sorted({*self._statuses, *self._cameras.names()})

    def camera(self, camera_id: str) -> CameraView | None:
        """What was heard of a camera; None where that is nothing."""
        return self._cameras.get(camera_id)

    def camera_status(self, camera_id: str) -> dict[str, Any] | None:
        """What its producer says of it, and `silent_since`."""
        return self._statuses.get(camera_id)

    async def picture(self, camera_id: str, within_s: float) -> Preview | None:
        """The newest picture of a camera; None where none comes in time."""
        self._asked[camera_id] = time.monotonic() + within_s
        return await self._cameras.heard(camera_id).picture(within_s)

    async def _begin(self) -> None:
        """Before the first result: go on with the tracks that are known."""
        settings = self._settings
        async with aclosing(connect_async(settings.redis_url)) as client:
            await take_over(client, settings.prefix, settings.shards, self._tracker)

    def _take_result(self, delivery: Delivery) -> None:
        if is_upload(delivery.result.camera_id):
            return
        shown, _ = self._tracker.update(delivery.result)
        view = self._cameras.heard(shown.camera_id)
        faces = view.take_result(shown, self._tracker.since(shown.camera_id), delivery.latency_s)
        if self.viewers.see_pictures(shown.camera_id) and (pair := view.pair_faces(faces)):
            self.viewers.picture(*pair)
        self.viewers.faces(view, faces)

    def _take_picture(self, preview: Preview) -> None:
        if pair := self._cameras.heard(preview.camera_id).pair_picture(preview):
            self.viewers.picture(*pair)

    def _wanted_pictures(self) -> dict[str, int]:
        """Cameras that somebody looks at now, and pixels of the longer side."""
        now = time.monotonic()
        self._asked = {camera_id: until for camera_id, until in self._asked.items() if until > now}
        return dict.fromkeys(self._asked, SIDES[-1]) | self.viewers.wanted_pictures({*self._statuses, *self._cameras.names()})

    def _read_pictures(self, shards: int) -> None:
        """From so many shards on."""
        keys = Keys(self._settings.prefix, shards)
        if self._settings.pictures and keys != self._picture_keys:
            if self._picture_task:
                self._picture_task.cancel()
            self._picture_keys = keys
            self._picture_task = vital_task(self._pictures.read(keys), "pictures")

    def _take_event(self, delivery: EventDelivery) -> None:
        event = delivery.event
        if is_upload(event.camera_id):
            return
        self.history.add(event)
        self._cameras.heard(event.camera_id).timeline.take(event)
        self.viewers.event(event)
        for listener in self._listeners:
            listener.offer(event)

    def _take_look(self, look: Look) -> None:
        self._looked_at = time.monotonic()
        if look.deployment is None:
            self.away = look.away
            return
        back, self.away = bool(self.away and self._status), ""
        self._clock_ahead_s = look.deployment.at - time.time()
        cameras = [status for status in look.status["cameras"] if not is_upload(status["camera_id"])]
        self._statuses = {status["camera_id"]: status for status in cameras}
        self._read_pictures(self._settings.shards or look.deployment.shards or 1)
        there = [view for view in self._cameras if view.camera_id in self._statuses or view.gives_results]
        figures = {view.camera_id: view.figures() for view in there}
        self._status = msgspec.json.encode(look.status | {"cameras": cameras, "figures": figures})
        if back:
            self.viewers.say(messages.back_text())
        self.viewers.show("status", messages.status_text(self._status))

    async def _tick(self) -> None:
        """Once a second: what has to be said or forgotten when nothing comes."""
        while True:
            self._heartbeat.beat()
            if time.monotonic() - self._looked_at > LOOK_S:
                self.away = "Redis does not answer"
            if self.away:
                self.viewers.show("status", messages.away_text(self.away))
            self.viewers.drop_stuck()
            self._cameras.forget_silent()
            for view in self._cameras:
                view.tidy(silent_s=SILENT_S)
            await asyncio.sleep(1)
