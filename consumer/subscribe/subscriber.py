"""Subscribing to results: `for result in ResultSubscriber(url): ...`; to events; and the same for asyncio."""

from ferstream.consumer.subscribe.sources import EVENTS, RESULTS, Delivery, EventDelivery
from ferstream.consumer.subscribe.subscription import AsyncSubscription, BlockingSubscription
from ferstream.streams.wire.messages import Event, Result


class ResultSubscriber(BlockingSubscription[Result, Delivery]):
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
        latecomers: True also yields what comes later than its order window, and so out of order; `late` counts it too.
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

    source = RESULTS


class AsyncResultSubscriber(AsyncSubscription[Result, Delivery]):
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

    source = RESULTS


class EventSubscriber(BlockingSubscription[Event, EventDelivery]):
    """Iterates over what happens to the tracks of all cameras, as `fer-consumer track` publishes it, until closed.

    The events of a camera come in the order in which they happened.

    Args:
        url: of Redis, and all other arguments as ResultSubscriber has them, with its promises. `order_window_s` has nothing to
            put right here. Repeats are known by the event's id.

    Yields:
        Iterating gives `Event`, `deliveries` gives each with its entry, `batches` gives what each read brought.

    Raises:
        FerstreamError: for a wrong position, URL or combination of arguments.
        StoreError: where trying again will not help, as with a wrong password. While Redis is away, it waits and tries again.

    Examples:
        >>> from ferstream import EventSubscriber
        >>> with EventSubscriber("redis://localhost:6379", from_="0", idle_timeout_s=1) as subscriber:
        ...     for event in subscriber:
        ...         print(event.camera_id, "track", event.track, event.kind, event.emotion, f"after {event.duration:.1f} s")
        door track 1 left happiness after 12.5 s
    """

    source = EVENTS


class AsyncEventSubscriber(AsyncSubscription[Event, EventDelivery]):
    """EventSubscriber for asyncio: the same promises; `async with` closes it.

    Args:
        url: of Redis, and all other arguments as ResultSubscriber has them.

    Yields:
        `async for` gives `Event`, `deliveries` gives each with its entry, `batches` gives what each read brought.

    Raises:
        FerstreamError: for a wrong position, URL or combination of arguments.
        StoreError: where trying again will not help, as with a wrong password. While Redis is away, it waits and tries again.

    Examples:
        >>> import asyncio
        >>> from ferstream import AsyncEventSubscriber
        >>> async def main():
        ...     async with AsyncEventSubscriber("redis://localhost:6379", from_="0", idle_timeout_s=1) as subscriber:
        ...         async for event in subscriber:
        ...             print(event.camera_id, event.kind, event.emotion)
        >>> asyncio.run(main())
        door left happiness
    """

    source = EVENTS
