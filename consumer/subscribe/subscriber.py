"""Subscribing to results: `for result in ResultSubscriber(url): ...`."""

import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import redis

from ferstream.consumer.subscribe.session import Session, SubscribeOptions
from ferstream.consumer.subscribe.shards import Delivery, Effects, Poll, RedisCommand, Sleep
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import MAX_BLOCK_S, connect, is_cluster, translated
from ferstream.streams.wire.messages import Result


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
        self._url = url
        self._acknowledge_each = acknowledge_each
        self._session = Session(
            SubscribeOptions(
                from_=from_,
                prefix=prefix,
                shards=shards,
                cameras=None if cameras is None else frozenset(cameras),
                order_window_s=order_window_s,
                repeats=repeats,
                group=group,
                consumer=consumer,
                claim_after_s=claim_after_s,
                idle_timeout_s=idle_timeout_s,
                block_s=block_s,
                cluster=is_cluster(url),
            )
        )
        self._buffer = self._session.buffer

    @property
    def position(self) -> str:
        """Where to go on: what `from_` takes back. Everything up to here was yielded (a few results beyond may have been)."""
        return self._session.shards.token()

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
        claim_after_s: seconds after which the unfinished results of a silent member are claimed.
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
      results a shard, twice that where a dead member's were claimed with them, and what still waited for its order window.
      With `acknowledge_each=False`, everything since `acknowledge` was last called.
    - Without one, going on from `position` repeats what was yielded after it was taken, and the few results that an older one,
      still waiting for its order window, held the position back for.

    A repeat in a new process is not known as one: `camera_id`, `sequence` and `captured_at` tell. Not thread-safe.

    Examples:
        >>> from ferstream import ResultSubscriber
        >>> with ResultSubscriber("redis://localhost:6379", from_="0", idle_timeout_s=1) as subscriber:
        ...     for result in subscriber:
        ...         for face in result.faces:
        ...             if face.confidence:  # None: the face is unknown
        ...                 print(result.camera_id, face.emotion, f"{face.confidence:.0%}")
        door happiness 93%
    """

    _client: "redis.Redis | None" = None

    def __iter__(self) -> Iterator[Result]:
        for delivery in self.deliveries():
            yield delivery.result

    def deliveries(self) -> Iterator[Delivery]:
        """Results with the entry each came in, which tells when it was published."""
        for _ in self._polls():
            while delivery := self._buffer.next():
                yield delivery
                self._asked_for_more()

    def batches(self) -> Iterator[list[Delivery]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        for _ in self._polls():
            yield self._buffer.next_batch()
            self._asked_for_more()

    def close(self) -> None:
        """Acknowledge what is done with, and close the connection. Results that were read but not yielded come again."""
        if self._client is not None:
            for _ in self._drive(self._session.leave()):
                continue
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _polls(self) -> Generator[None, None, None]:
        if self._client is None:
            self._client = connect(self._url)
        return self._drive(self._session.run())

    def _drive(self, effects: Effects) -> Generator[None, None, None]:
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
                time.sleep(effect.seconds)
            else:
                go_on, reply = self._execute(effects, effect)

    def _execute(self, effects: Effects, command: RedisCommand) -> tuple[Any, Any]:
        if self._client is None:
            raise FerstreamError("the subscriber was closed while it was in use")
        try:
            with translated():
                reply = self._client.execute_command(*command.arguments)  # type: ignore[no-untyped-call]
                return effects.send, reply
        except FerstreamError as error:  # the session knows what to do about it
            return effects.throw, error
