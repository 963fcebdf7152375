"""One viewer's outbox: the newest message for each camera, so that who reads slowly is skipped ahead and costs no memory."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from ferstream.consumer.dashboard.live.messages import Watch
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics, Dropped

#: Events that wait for a viewer; the oldest go first.
MOST_EVENTS = 256
#: A message that takes longer than this to go out is the last one.
SEND_S = 10.0
ALL = "*"

Message = str | bytes
Send = Callable[[Message], Awaitable[None]]


class Viewer:
    """What one page sees, and what waits to be sent to it."""

    def __init__(self, send: Send, metrics: DashboardMetrics, *, pictures: bool) -> None:
        self._send, self._metrics, self._may_see_pictures = send, metrics, pictures
        self._newest: dict[tuple[str, str], Message] = {}
        self._events: deque[Message] = deque(maxlen=MOST_EVENTS)
        self._waiting = asyncio.Event()
        self._sending_since: float | None = None
        self.pictures: dict[str, int] = {}
        self.results: frozenset[str] = frozenset()
        self.dropped: Dropped | None = None
        self._drops, self._otherwise = asyncio.Event(), asyncio.Event()

    def watch(self, watch: Watch) -> None:
        """From now on it sees this."""
        self.pictures = dict(watch.pictures) if self._may_see_pictures else {}
        self.results = frozenset(watch.results)
        self._otherwise.set()
        self._newest = {key: message for key, message in self._newest.items() if self._wants(*key)}

    def sees_pictures(self, camera_id: str) -> bool:
        return camera_id in self.pictures or ALL in self.pictures

    def sees_pictures_of(self, known: Iterable[str]) -> list[str]:
        """Those of the cameras that are known whose pictures it sees."""
        return [camera_id for camera_id in known if self.sees_pictures(camera_id)]

    async def watches_otherwise(self, within_s: float) -> None:
        """Wait until it watches something else than when this was called last, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._otherwise.wait()
        self._otherwise.clear()

    def sees_results(self, camera_id: str) -> bool:
        return camera_id in self.results or ALL in self.results

    def offer(self, kind: str, camera_id: str, message: Message) -> None:
        """Send it, unless a newer one of its kind and camera comes first."""
        key = (kind, camera_id)
        if key in self._newest:
            self._metrics.skipped.inc()
        self._newest[key] = message
        self._waiting.set()

    def offer_event(self, message: Message) -> None:
        """Send it after those before it, unless too many wait."""
        if len(self._events) == MOST_EVENTS:
            self._metrics.skipped.inc()
        self._events.append(message)
        self._waiting.set()

    def stuck_s(self) -> float:
        """For how long the message under way has been so."""
        since = self._sending_since
        return 0.0 if since is None else time.monotonic() - since

    def drop(self, reason: Dropped) -> None:
        """Its connection is to be ended: `dropped` says why."""
        self.dropped = self.dropped or reason
        self._drops.set()

    async def wait_dropped(self) -> None:
        """Until it is dropped."""
        await self._drops.wait()

    async def run(self) -> None:
        """Send what waits, for ever. Raises what `send` raises."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while message := self._next():
                self._sending_since = time.monotonic()
                await self._send(message)
                self._sending_since = None
                self._metrics.messages.inc()
                if isinstance(message, bytes):
                    self._metrics.pictures.inc()

    def _next(self) -> Message | None:
        if self._events:
            return self._events.popleft()
        if not self._newest:
            return None
        key = next(iter(self._newest))
        return self._newest.pop(key)

    def _wants(self, kind: str, camera_id: str) -> bool:
        if kind == "picture":
            return self.sees_pictures(camera_id)
        return kind != "faces" or self.sees_results(camera_id)
