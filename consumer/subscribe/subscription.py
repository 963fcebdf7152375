"""How a subscriber works, whatever it subscribes to: blocking, and with asyncio.

All is done in one way, with asyncio; the blocking subscriber has an event loop in a thread of its own for it.
"""

import os
import random
import socket
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Generic, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from ferstream.consumer.subscribe.audit import line_of_this_process
from ferstream.consumer.subscribe.delivery_buffer import DeliveryBuffer
from ferstream.consumer.subscribe.readers import GroupReader, PositionReader
from ferstream.consumer.subscribe.session import Session
from ferstream.consumer.subscribe.shards import Shards
from ferstream.consumer.subscribe.sources import D, M, Source
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import MAX_BLOCK_S

T = TypeVar("T")


class Subscription(Generic[M, D]):
    """What the blocking and the asyncio subscriber share: everything but their I/O. See ResultSubscriber for the arguments."""

    #: What is subscribed to.
    source: Source[M, D]

    def __init__(
        self,
        url: str,
        *,
        from_: str = "$",
        cameras: Iterable[str] | None = None,
        order_window_s: float = 0.0,
        prefix: str = "fer",
        shards: int | None = None,
        group: str | None = None,
        consumer: str | None = None,
        acknowledge_each: bool = True,
        claim_after_s: float = 60.0,
        repeats: bool = False,
        latecomers: bool = False,
        idle_timeout_s: float | None = None,
        block_s: float = MAX_BLOCK_S,
    ) -> None:
        if isinstance(cameras, str):
            raise FerstreamError("cameras must be a list of names, not one name")
        if consumer and not group:
            raise FerstreamError("a consumer name needs a group")
        self._acknowledge_each = acknowledge_each
        self._lock = Lock()
        self._shards = Shards(from_, prefix, shards, self.source.stream)
        chosen = None if cameras is None else frozenset(cameras)
        self._buffer = DeliveryBuffer(
            self.source,
            self._shards.positions,
            cameras=chosen,
            order_window_s=order_window_s,
            repeats=repeats,
            latecomers=latecomers,
            acknowledging=group is not None,
        )
        own_name = f"{socket.gethostname()}-{os.getpid()}-{random.randrange(16**4):04x}"
        reader = (
            partial(GroupReader, group=group, consumer=consumer or own_name, claim_after_s=claim_after_s)
            if group
            else PositionReader
        )
        self._session = Session(
            url,
            self._shards,
            self._buffer,
            reader,
            audit=line_of_this_process(f"{self.source.word}s", chosen, group),
            idle_timeout_s=idle_timeout_s,
            block_s=block_s,
        )

    @property
    def position(self) -> str:
        """Where to go on: what `from_` takes back. Everything up to here was yielded (a few beyond may have been)."""
        return self._shards.token()

    @property
    def connected(self) -> bool:
        """Whether Redis answered last."""
        return self._session.connected

    @property
    def undecodable(self) -> int:
        """Entries passed over because they are not what the wire says."""
        return self._buffer.undecodable.total()

    @property
    def undecodable_reasons(self) -> Counter[str]:
        """The same by reason, as `DecodeError.reason` names it."""
        return Counter(self._buffer.undecodable)

    @property
    def late(self) -> int:
        """How many came after newer ones of their camera were yielded, and were left out, or not (raise `order_window_s`)."""
        return self._buffer.late

    @property
    def repeated(self) -> int:
        """How many were left out because they came before."""
        return self._buffer.repeated

    @property
    def lost(self) -> int:
        """How many of the group Redis trimmed before they were done with."""
        return self._buffer.lost

    def acknowledge(self, deliveries: Iterable[D] | None = None) -> None:
        """Done with these, or with everything yielded so far: acknowledged with the next read or on closing.

        For a group with `acknowledge_each=False`, as a program needs it whose work is safe only now and then.
        """
        self._buffer.finish_yielded(deliveries)

    def _next(self) -> D | None:
        return self._buffer.next() if self._session.running else None

    def _asked_for_more(self) -> None:
        if self._acknowledge_each:
            self._buffer.finish_yielded()


class BlockingSubscription(Subscription[M, D]):
    """Iterates until closed."""

    _portal: BlockingPortal | None = None

    def __iter__(self) -> Iterator[M]:
        for delivery in self.deliveries():
            yield delivery.message

    def deliveries(self) -> Iterator[D]:
        """Each with the entry it came in, which tells when it was published."""
        for _ in self._rounds():
            while delivery := self._next():
                yield delivery
                self._asked_for_more()

    def batches(self) -> Iterator[list[D]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        for _ in self._rounds():
            yield self._buffer.next_batch()
            self._asked_for_more()

    def close(self) -> None:
        """Acknowledge what is done with, and close the connection. What was read but not yielded comes again.

        Another thread may call it: the one that iterates ends then.
        """
        with self._lock:
            portal, self._portal = self._portal, None
        if portal:
            try:
                portal.call(self._session.close)
            finally:
                self._end_portal()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _rounds(self) -> Iterator[None]:
        with self._lock:
            if self._portal is None:
                stack = ExitStack()
                self._portal = stack.enter_context(start_blocking_portal())
                # Also of a subscriber that nobody closes, and before the interpreter stops threads that are not waited for.
                self._end_portal = weakref.finalize(self, stack.close)
        self._call(self._session.start)
        while self._call(self._session.more):
            yield

    def _call(self, step: Callable[[], Awaitable[T]]) -> T | None:
        """Run it in the event loop, and wait for it; nothing where the subscriber was closed."""
        with self._lock:
            if self._portal is None:
                return None
            future = self._portal.start_task_soon(step)
        try:
            return future.result()
        finally:
            future.cancel()  # where Ctrl-C ended the wait


class AsyncSubscription(Subscription[M, D]):
    """Iterates with `async for`, until closed."""

    async def __aiter__(self) -> AsyncIterator[M]:
        async for delivery in self.deliveries():
            yield delivery.message

    async def deliveries(self) -> AsyncIterator[D]:
        """Each with the entry it came in, which tells when it was published."""
        async for _ in self._rounds():
            while delivery := self._next():
                yield delivery
                self._asked_for_more()

    async def batches(self) -> AsyncIterator[list[D]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        async for _ in self._rounds():
            yield self._buffer.next_batch()
            self._asked_for_more()

    async def close(self) -> None:
        """Acknowledge what is done with, and close the connection. What was read but not yielded comes again.

        Another task may call it: the one that iterates ends then.
        """
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _rounds(self) -> AsyncIterator[None]:
        await self._session.start()
        while await self._session.more():
            yield
