"""Events for one reader of a stream of them: bounded, the oldest go first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from ferstream.streams.wire.messages import Event

MOST_WAITING = 256


class Listener:
    """Iterates over the events of a camera, or of all, from now on until closed."""

    def __init__(self, camera: str | None = None) -> None:
        self._camera = camera
        self._waiting: deque[Event] = deque(maxlen=MOST_WAITING)
        self._news = asyncio.Event()
        self._closed = False

    def offer(self, event: Event) -> None:
        """It happened."""
        if self._camera in (None, event.camera_id):
            self._waiting.append(event)
            self._news.set()

    def close(self) -> None:
        """Whoever iterates ends, with what waits left out."""
        self._closed = True
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._closed:
                return
            while self._waiting:
                yield self._waiting.popleft()
