"""What all frames that people send share in one process: the tie to Redis, the answers, and how many may send at once."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from ferstream.consumer.dashboard.frames import metrics
from ferstream.consumer.dashboard.frames.redis_tie import RedisTie
from ferstream.consumer.dashboard.frames.sent_camera import SentCamera
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.errors import FerstreamError

T = TypeVar("T")

#: Browser cameras at once.
MOST_CAMERAS = 8
#: Uploads that are read and answered at once, seconds that another one waits for its turn.
MOST_UPLOADS, TURN_S = 2, 10.0


class AnyAnswers(Protocol):
    """Hands results to who waits for them."""

    def listen(self, camera_id: str, listener: Callable[[Delivery], None], now: float) -> None: ...

    async def forget(self, camera_id: str) -> None: ...

    async def close(self) -> None: ...


class FrameSources:
    """A context, in the event loop of the server."""

    def __init__(self, settings: DashboardSettings, answers: AnyAnswers) -> None:
        self.settings, self.answers = settings, answers
        self.tie = RedisTie(settings.redis_url, settings.prefix, settings.shards)
        self.uploads = asyncio.Semaphore(MOST_UPLOADS)
        self.browser_cameras = 0
        # What waits for Redis here, however long, is not to take the threads of others.
        self._threads = ThreadPoolExecutor(MOST_CAMERAS + 2 * MOST_UPLOADS, "sent-frames")
        self._leaving: set[asyncio.Task[None]] = set()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """What blocks."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def take(self, camera_id: str, kind: metrics.Kind, budget_bytes: int) -> SentCamera:
        """As RedisTie.take. A name that was taken for somebody who has gone meanwhile is given back."""
        taking = asyncio.ensure_future(self.in_thread(partial(self.tie.take, camera_id, kind, budget_bytes)))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._see_off(self._give_back(taking))
            raise

    async def leave(self, camera: SentCamera, stop: Callable[[], None]) -> None:
        """End a camera, also where the caller is cancelled; `stop` blocks until its thread has left Redis."""
        await asyncio.shield(self._see_off(self._leave(camera, stop)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self.answers.close()
        await self.in_thread(self.tie.close)
        self._threads.shutdown()

    def _see_off(self, leaving: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(leaving)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return task

    async def _leave(self, camera: SentCamera, stop: Callable[[], None]) -> None:
        await self.answers.forget(camera.camera_id)
        await self.in_thread(stop)
        await self.in_thread(partial(self.tie.give_back, camera))

    async def _give_back(self, taking: Awaitable[SentCamera]) -> None:
        with suppress(FerstreamError):  # it has no name to give back then
            await self.in_thread(partial(self.tie.give_back, await taking))
