"""Results for the frames that people sent: one subscriber for all of them, while there is anybody who waits.

It is not the hub's, which waits for results out of order: a person's own picture is not to wait.
"""

import asyncio
import logging
from collections.abc import Callable

from ferstream.consumer.dashboard.live.vital_task import vital_task
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.consumer.subscribe.subscriber import AsyncResultSubscriber
from ferstream.streams.errors import FerstreamError

log = logging.getLogger(__name__)

#: Results are read from so long before the first frame: its clock is Redis's, give or take the way there.
BEFORE_S = 1.0
#: After an error that trying again at once does not mend.
AGAIN_S = 5.0

Listener = Callable[[Delivery], None]


class Answers:
    """Hands each result to who listens for its camera, as it is published: no frame waits for an older one. In one event loop."""

    def __init__(self, url: str, prefix: str, shards: int | None) -> None:
        self._url, self._prefix, self._shards = url, prefix, shards
        self._listeners: dict[str, Listener] = {}
        self._task: asyncio.Task[None] | None = None

    def listen(self, camera_id: str, listener: Listener, now: float) -> None:
        """Call it with each result of this camera from `now` on, seconds on Redis's clock."""
        self._listeners[camera_id] = listener
        if self._task is None:
            self._task = vital_task(self._read(f"{int((now - BEFORE_S) * 1000)}-0"), "answers")

    async def forget(self, camera_id: str) -> None:
        self._listeners.pop(camera_id, None)
        if not self._listeners:
            await self.close()

    async def close(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])

    async def _read(self, position: str) -> None:
        """For ever."""
        while True:
            try:
                async with AsyncResultSubscriber(
                    self._url, from_=position, prefix=self._prefix, shards=self._shards
                ) as subscriber:
                    async for delivery in subscriber.deliveries():
                        if listener := self._listeners.get(delivery.result.camera_id):
                            listener(delivery)
                        position = subscriber.position
            except FerstreamError as error:  # without rights, say: whoever waits runs into the time-out, which asks for the cause
                log.warning("results of people's frames cannot be read, trying again in %.0f s: %s", AGAIN_S, error)
            await asyncio.sleep(AGAIN_S)
