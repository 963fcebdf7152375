"""Subscribing to results with asyncio: `async for result in AsyncResultSubscriber(url): ...`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Any, Self

import redis.asyncio

from ferstream.consumer.subscribe.shards import Delivery, Effects, Poll, RedisCommand, Sleep
from ferstream.consumer.subscribe.subscriber import Subscription
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import connect_async, translated
from ferstream.streams.wire.messages import Result


class AsyncResultSubscriber(Subscription):
    """ResultSubscriber for asyncio: the same promises, also of what may come again after a crash; `async with` closes it.

    Args:
        url: of Redis, and all other arguments as ResultSubscriber has them.

    Yields:
        `async for` gives `Result`, `deliveries` gives each with its entry, `batches` gives what each read brought.

    Raises:
        FerstreamError: for a wrong position, URL or combination of arguments.
        StoreError: where trying again will not help, as with a wrong password. While Redis is away, it waits and tries again.

    Cancelling the task that iterates loses nothing: iterating anew, or the next start, goes on where the position is. To be used
    by one task at a time.

    Examples:
        >>> import asyncio
        >>> from ferstream import AsyncResultSubscriber
        >>> async def main():
        ...     async with AsyncResultSubscriber("redis://localhost:6379", from_="0", idle_timeout_s=1) as subscriber:
        ...         async for result in subscriber:
        ...             print(result.camera_id, [face.emotion for face in result.faces])
        >>> asyncio.run(main())
        door ['happiness']
    """

    _client: "redis.asyncio.Redis | None" = None

    async def __aiter__(self) -> AsyncIterator[Result]:
        async for delivery in self.deliveries():
            yield delivery.result

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Results with the entry each came in, which tells when it was published."""
        async for _ in self._polls():
            while delivery := self._buffer.next():
                yield delivery
                self._asked_for_more()

    async def batches(self) -> AsyncIterator[list[Delivery]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        async for _ in self._polls():
            yield self._buffer.next_batch()
            self._asked_for_more()

    async def close(self) -> None:
        """Acknowledge what is done with, and close the connection. Results that were read but not yielded come again."""
        if self._client is not None:
            async for _ in self._drive(self._session.leave()):
                continue
            await self._client.aclose()
            self._client = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def _polls(self) -> AsyncGenerator[None, None]:
        if self._client is None:
            self._client = connect_async(self._url)
        return self._drive(self._session.run())

    async def _drive(self, effects: Effects) -> AsyncGenerator[None, None]:
        """Perform the effects, and yield at each Poll."""
        go_on, reply = effects.send, None
        while True:
            try:
                effect = go_on(reply)
            except StopIteration:
                return
            go_on, reply = effects.send, None
            if isinstance(effect, Poll):
                yield
            elif isinstance(effect, Sleep):
                await asyncio.sleep(effect.seconds)
            else:
                go_on, reply = await self._execute(effects, effect)

    async def _execute(self, effects: Effects, command: RedisCommand) -> tuple[Any, Any]:
        if self._client is None:
            raise FerstreamError("the subscriber was closed while it was in use")
        try:
            with translated():
                reply = await self._client.execute_command(*command.arguments)  # type: ignore[no-untyped-call]
                return effects.send, reply
        except FerstreamError as error:  # the session knows what to do about it
            return effects.throw, error
