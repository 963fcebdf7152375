"""Subscribing to results: `for result in ResultSubscriber(url): ...`, and the same for asyncio.

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
from typing import Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from ferstream.consumer.subscribe.readers import GroupReader, PositionReader
from ferstream.consumer.subscribe.result_buffer import ResultBuffer
from ferstream.consumer.subscribe.session import Session
from ferstream.consumer.subscribe.shards import Delivery, Shards
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import MAX_BLOCK_S
from ferstream.streams.wire.messages import Result

T = TypeVar("T")


class Subscription:
    """What the blocking and the asyncio subscriber share: everything but their I/O. See ResultSubscriber for the arguments."""

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
        idle_timeout_s: float | None = None,
        block_s: float = MAX_BLOCK_S,
    ) -> None:
        if isinstance(cameras, str):
            raise FerstreamError("cameras must be a list of names, not one name")
        if consumer and not group:
            raise FerstreamError("a consumer name needs a group")
        self._acknowledge_each = acknowledge_each
        self._lock = Lock()
        self._shards = Shards(from_, prefix, shards)
        self._buffer = ResultBuffer(
            self._shards.positions,
            cameras=None if cameras is None else frozenset(cameras),
            order_window_s=order_window_s,
            repeats=repeats,
            acknowledging=group is not None,
        )
        own_name = f"{socket.gethostname()}-{os.getpid()}-{random.randrange(16**4):04x}"
        reader = (
            partial(GroupReader, group=group, consumer=consumer or own_name, claim_after_s=claim_after_s)
            if group
            else PositionReader
        )
        self._session = Session(url, self._shards, self._buffer, reader, idle_timeout_s=idle_timeout_s, block_s=block_s)

    @property
    def position(self) -> str:
        """Where to go on: what `from_` takes back. Everything up to here was yielded (a few results beyond may have been)."""
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
        """Results left out because newer ones of their camera were yielded before they came (raise `order_window_s`)."""
        return self._buffer.late

    @property
    def repeated(self) -> int:
        """Results left out because they came before."""
        return self._buffer.repeated

    @property
    def lost(self) -> int:
        """Results of the group that Redis trimmed before they were done with."""
        return self._buffer.lost

    def acknowledge(self) -> None:
        """Done with everything yielded so far: acknowledged with the next read or on closing.

        For a group with `acknowledge_each=False`, as a program needs it whose work is safe only now and then.
        """
        self._buffer.finish_yielded()

    def _next(self) -> Delivery | None:
        return self._buffer.next() if self._session.running else None

    def _asked_for_more(self) -> None:
        if self._acknowledge_each:
            self._buffer.finish_yielded()


class ResultSubscriber(Subscription):
    """Iterates over the results of all cameras, over restarts of Redis and of workers, until closed.

    Args:
        url: of Redis, "redis://localhost:6379"; "redis+cluster://" for a Redis Cluster, "rediss://" with TLS.
        from_: "$" for new results, "0" for all that Redis still has, or an earlier `position`. A group begins there when it
            is made, and afterwards goes on where its members were.
        cameras: only these; None for all.
        order_window_s: over 0, each camera's results come in order of capture; one that comes later than that many seconds is
            left out and counted in `late`. At 0, results come as they are published.
        prefix: what the keys in Redis begin with.
        shards: how many the deployment has; None asks Redis (`fer:shards`), and takes 1 where it does not say.
        group: share the results with the other members of this consumer group, each result going to one of them.
        consumer: this member's name in the group. Under the same name, a program that crashed gets its unfinished results
            first. None takes a name of its own for each start.
        acknowledge_each: True is done with a result when the next one is asked for; False leaves that to `acknowledge`.
        claim_after_s: seconds after which the unfinished results of a member that died are claimed. One that lives keeps what it
            has, however long it takes; with asyncio, as long as its event loop runs.
        repeats: True also yields repeats of a frame. They are known by camera, sequence and capture time.
        idle_timeout_s: end after so many seconds with nothing new; None never ends.
        block_s: `batches` gives an empty batch after so many seconds with nothing (2 at most).

    Yields:
        Iterating gives `Result`, `deliveries` gives each with its entry, `batches` gives what each read brought.

    Raises:
        FerstreamError: for a wrong position, URL or combination of arguments.
        StoreError: where trying again will not help, as with a wrong password. While Redis is away, it waits and tries again.

    What may come again: every result comes at least once.

    - With a group, results are acknowledged just before the next read. After `close` only the one in hand comes again, and
      those that were never yielded come for the first time. After a crash everything of the last read comes again: up to 500
      results a shard, and what still waited for its order window. With `acknowledge_each=False`, everything since `acknowledge`
      was last called.
    - Without one, going on from `position` repeats what was yielded after it was taken, and the few results that an older one,
      still waiting for its order window, held the position back for.

    A repeat in a new process is not known as one: `camera_id`, `sequence` and `captured_at` tell. To be used by one thread at
    a time; another may close it. Works where an event loop runs, too, as in a notebook.

    Examples:
        >>> from ferstream import ResultSubscriber
        >>> with ResultSubscriber("redis://localhost:6379", from_="0", idle_timeout_s=1) as subscriber:
        ...     for result in subscriber:
        ...         for face in result.faces:
        ...             if face.confidence:  # None: the face is unknown
        ...                 print(result.camera_id, face.emotion, f"{face.confidence:.0%}")
        door happiness 93%
    """

    _portal: BlockingPortal | None = None

    def __iter__(self) -> Iterator[Result]:
        for delivery in self.deliveries():
            yield delivery.result

    def deliveries(self) -> Iterator[Delivery]:
        """Results with the entry each came in, which tells when it was published."""
        for _ in self._rounds():
            while delivery := self._next():
                yield delivery
                self._asked_for_more()

    def batches(self) -> Iterator[list[Delivery]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        for _ in self._rounds():
            yield self._buffer.next_batch()
            self._asked_for_more()

    def close(self) -> None:
        """Acknowledge what is done with, and close the connection. Results that were read but not yielded come again.

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
    by one task at a time; another may close it.

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

    async def __aiter__(self) -> AsyncIterator[Result]:
        async for delivery in self.deliveries():
            yield delivery.result

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Results with the entry each came in, which tells when it was published."""
        async for _ in self._rounds():
            while delivery := self._next():
                yield delivery
                self._asked_for_more()

    async def batches(self) -> AsyncIterator[list[Delivery]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        async for _ in self._rounds():
            yield self._buffer.next_batch()
            self._asked_for_more()

    async def close(self) -> None:
        """Acknowledge what is done with, and close the connection. Results that were read but not yielded come again.

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
