"""Subscribing to results with asyncio: `async for result in AsyncResultSubscriber(url): ...`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Any, Self

import redis.asyncio

from ferstream.consumer.subscribe.delivery import Delivery
from ferstream.consumer.subscribe.effects import Command, Look, Pause, Steps
from ferstream.consumer.subscribe.subscription import Subscription
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import connect_async, translated
from ferstream.streams.wire.messages import Result


class AsyncResultSubscriber(Subscription):
    """ResultSubscriber for asyncio, with the same arguments and promises; `async with` closes it."""

    _client: "redis.asyncio.Redis | None" = None

    async def __aiter__(self) -> AsyncIterator[Result]:
        async for delivery in self.deliveries():
            yield delivery.result

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Results with the entry each came in, which tells when it was published."""
        async for _ in self._looks():
            while delivery := self._intake.next():
                yield delivery
                self._asked_for_more()

    async def batches(self) -> AsyncIterator[list[Delivery]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        async for _ in self._looks():
            yield self._intake.next_batch()
            self._asked_for_more()

    async def close(self) -> None:
        """Acknowledge what is done with, and close the connection. Results that were read but not yielded come again."""
        if self._client is not None:
            async for _ in self._drive(self._dialogue.leave()):
                continue
            await self._client.aclose()
            self._client = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def _looks(self) -> AsyncGenerator[None, None]:
        if self._client is None:
            self._client = connect_async(self._url)
        return self._drive(self._dialogue.steps())

    async def _drive(self, steps: Steps) -> AsyncGenerator[None, None]:
        go_on, reply = steps.send, None
        while True:
            try:
                step = go_on(reply)
            except StopIteration:
                return
            go_on, reply = steps.send, None
            if isinstance(step, Look):
                yield
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            else:
                go_on, reply = await self._execute(steps, step)

    async def _execute(self, steps: Steps, command: Command) -> tuple[Any, Any]:
        if self._client is None:
            raise FerstreamError("the subscriber was closed while it was in use")
        try:
            with translated():
                reply = await self._client.execute_command(*command.arguments)  # type: ignore[no-untyped-call]
                return steps.send, reply
        except FerstreamError as error:  # the dialogue knows what to do about it
            return steps.throw, error
