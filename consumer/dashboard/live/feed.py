"""Reading results and events for all viewers at once: one subscriber each, that goes on whatever Redis does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ferstream.consumer.subscribe.sources import Delivery, EventDelivery
from ferstream.consumer.subscribe.subscriber import AsyncEventSubscriber, AsyncResultSubscriber
from ferstream.streams.errors import FerstreamError

log = logging.getLogger(__name__)

#: Seconds to wait for results out of order: pictures wait as long, so it is short.
ORDER_WINDOW_S = 0.15
#: After an error that trying again at once does not mend, as one of rights.
AGAIN_S = 5.0
#: Taken in without a pause for the other tasks.
AT_ONCE = 25


class Feed:
    """Where to read from."""

    def __init__(self, url: str, prefix: str, shards: int | None) -> None:
        self._url, self._prefix, self._shards = url, prefix, shards

    async def results(
        self, take: Callable[[Delivery], None], undecodable: Callable[[int], None], begin: Callable[[], Awaitable[None]]
    ) -> None:
        """New results, in order of capture, for ever. `begin` is run once it is known where the new ones begin."""

        async def read() -> None:
            async with AsyncResultSubscriber(
                self._url, order_window_s=ORDER_WINDOW_S, prefix=self._prefix, shards=self._shards
            ) as subscriber:
                seen, begun = 0, False
                async for batch in subscriber.batches():
                    if not begun and subscriber.connected:
                        await begin()
                        begun = True
                    await _take_all(batch, take)
                    undecodable(subscriber.undecodable - seen)
                    seen = subscriber.undecodable

        await _for_ever("results", read)

    async def events(self, take: Callable[[EventDelivery], None], undecodable: Callable[[int], None]) -> None:
        """All events that Redis still has, and those since, for ever; some may come twice."""
        position = "0"

        async def read() -> None:
            nonlocal position
            async with AsyncEventSubscriber(self._url, from_=position, prefix=self._prefix, shards=self._shards) as subscriber:
                seen = 0
                async for batch in subscriber.batches():
                    await _take_all(batch, take)
                    undecodable(subscriber.undecodable - seen)
                    seen, position = subscriber.undecodable, subscriber.position

        await _for_ever("events", read)


async def _take_all(batch: list, take: Callable) -> None:  # type: ignore[type-arg]
    for number, delivery in enumerate(batch, 1):
        take(delivery)
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)


async def _for_ever(what: str, read: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await read()
        except FerstreamError as error:
            log.warning("cannot read %s, trying again in %.0f s: %s", what, AGAIN_S, error)
        await asyncio.sleep(AGAIN_S)
