"""What all frames that people send share in one process: the tie to Redis, the answers, and how many may send at once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from ferstream.consumer.dashboard.frames import metrics
from ferstream.consumer.dashboard.frames.redis_tie import RedisTie
from ferstream.consumer.dashboard.frames.sent_camera import SentCamera
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.consumer.subscribe.sources import Delivery

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
        self.settings = settings
        self.tie = RedisTie(settings.redis_url, settings.prefix, settings.shards)
        self.answers = answers
        self.uploads = asyncio.Semaphore(MOST_UPLOADS)
        self.browser_cameras = 0

    async def take(self, camera_id: str, kind: metrics.Kind, budget_bytes: int) -> SentCamera:
        """As RedisTie.take. A name that was taken for somebody who has gone meanwhile is given back."""
        taking = asyncio.create_task(asyncio.to_thread(self.tie.take, camera_id, kind, budget_bytes))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            with suppress(Exception):  # it has no name to give back then
                await asyncio.to_thread(self.tie.give_back, await taking)
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.answers.close()
        await asyncio.to_thread(self.tie.close)
