"""Subscribing to results: `for result in ResultSubscriber(url): ...`."""

import time
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Any, Self

import redis

from ferstream.consumer.subscribe.delivery import Delivery
from ferstream.consumer.subscribe.effects import Command, Look, Pause, Steps
from ferstream.consumer.subscribe.subscription import Subscription
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import connect, translated
from ferstream.streams.wire.messages import Result


class ResultSubscriber(Subscription):
    """Iterates over the results of all cameras, over restarts of Redis and of workers, until closed.

    - `from_`: "$" new results, "0" all that Redis still has, or an earlier `position`. A group begins there when it is made.
    - `cameras`: only these.
    - `order_window_s`: over 0, each camera's results come in order of capture; one that comes later than that is left out and
      counted in `late`. At 0, they come as they are published.
    - `shards`: how many the deployment has; None asks Redis (`fer:shards`), and takes 1 where it does not say.
    - `group`, `consumer`: share the results with the other members of a group. A result is acknowledged when the next one is
      asked for: at least once. What a dead member left is claimed after `claim_after_s`. Under the same consumer name, a
      program that crashed gets its unfinished results first.
    - `acknowledge_each`: False leaves it to `acknowledge`.
    - `repeats`: True yields repeats of a frame, which are otherwise known by camera, sequence and capture time, and left out.
    - `idle_timeout_s`: end after so long with nothing new; None never ends.
    - `block_s`: `batches` gives an empty batch after so long with nothing.

    Not thread-safe. While Redis is away it waits and tries again. Raises FerstreamError for a wrong position or URL, and
    StoreError where trying again will not help (a wrong password).
    """

    _client: "redis.Redis | None" = None

    def __iter__(self) -> Iterator[Result]:
        for delivery in self.deliveries():
            yield delivery.result

    def deliveries(self) -> Iterator[Delivery]:
        """Results with the entry each came in, which tells when it was published."""
        for _ in self._looks():
            while delivery := self._intake.next():
                yield delivery
                self._asked_for_more()

    def batches(self) -> Iterator[list[Delivery]]:
        """What each read brings, also nothing: for programs that have something to do while nothing comes."""
        for _ in self._looks():
            yield self._intake.next_batch()
            self._asked_for_more()

    def close(self) -> None:
        """Acknowledge what is done with, and close the connection. Results that were read but not yielded come again."""
        if self._client is not None:
            for _ in self._drive(self._dialogue.leave()):
                continue
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _looks(self) -> Generator[None, None, None]:
        if self._client is None:
            self._client = connect(self._url)
        return self._drive(self._dialogue.steps())

    def _drive(self, steps: Steps) -> Generator[None, None, None]:
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
                time.sleep(step.seconds)
            else:
                go_on, reply = self._execute(steps, step)

    def _execute(self, steps: Steps, command: Command) -> tuple[Any, Any]:
        if self._client is None:
            raise FerstreamError("the subscriber was closed while it was in use")
        try:
            with translated():
                reply = self._client.execute_command(*command.arguments)  # type: ignore[no-untyped-call]
                return steps.send, reply
        except FerstreamError as error:  # the dialogue knows what to do about it
            return steps.throw, error
