"""A client for a Redis Cluster that behaves as redis-py's client for one server does: nothing is opened before the first
command, nothing is sent twice.

redis-py's own cluster client connects when it is made, asks the cluster for the keys of every XREAD, and repeats commands whose
reply was lost unless its retries are switched off: then it follows MOVED for single commands, but not out of a MULTI.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import redis
from redis.client import Pipeline
from redis.crc import key_slot

from ferstream.streams.redis_client.redirects import Pause, Visit, follow, locate
from ferstream.streams.redis_client.slot_map import COMMON_KEY, Address, SlotMap, slot_of

T = TypeVar("T")
Command = tuple[tuple[Any, ...], dict[str, Any]]


class ClusterClient(redis.Redis):
    """Each command goes to the primary that holds its key's slot. Safe to use from several threads, as redis.Redis is."""

    def __init__(self, seeds: Sequence[Address], settings: dict[str, Any]) -> None:
        self.slots = SlotMap(seeds)
        self._settings = settings
        self._nodes: dict[Address, redis.Redis] = {}
        self._lock = threading.Lock()
        super().__init__(connection_pool=self.node(seeds[0]).connection_pool)

    def node(self, address: Address) -> redis.Redis:
        """A plain client of one node."""
        with self._lock:
            if address not in self._nodes:
                pool = redis.ConnectionPool(**self._settings, host=address[0], port=address[1])
                self._nodes[address] = redis.Redis.from_pool(pool)
            return self._nodes[address]

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        def run(node: redis.Redis) -> Any:  # noqa: ANN401
            return node.execute_command(*args, **options)  # type: ignore[no-untyped-call]

        def run_asking(node: redis.Redis) -> Any:  # noqa: ANN401
            # One connection for both: ASKING is good for the next command on it.
            with node.pipeline(transaction=False) as pipe:
                pipe.execute_command("ASKING")  # type: ignore[no-untyped-call]
                pipe.execute_command(*args, **options)  # type: ignore[no-untyped-call]
                return pipe.execute()[1]

        return self.drive(follow(self.slots, slot_of(args)), {"command": run, "asking": run_asking})

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> "ClusterPipeline":  # noqa: ANN401
        """Commands of one slot, sent together; with `transaction`, in one MULTI."""
        return ClusterPipeline(self, transaction, shard_hint)

    def close(self) -> None:
        with self._lock:
            nodes = list(self._nodes.values())
        for node in nodes:
            node.close()

    def drive(self, steps: Generator[Visit | Pause, Any, T], perform: dict[str, Callable[[redis.Redis], Any]]) -> T:
        """Drive a generator of `redirects` to its end; returns its value. `perform` says how each kind of Visit is sent."""
        go_on, given = steps.send, None
        while True:
            try:
                step = go_on(given)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                go_on, given = steps.send, self._perform(step, perform)
            except redis.RedisError as error:
                go_on, given = steps.throw, error

    def _perform(self, step: Visit | Pause, perform: dict[str, Callable[[redis.Redis], Any]]) -> Any:  # noqa: ANN401
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        node = self.node(step.address)
        if step.what == "slots":
            return node.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
        return perform[step.what](node)


class ClusterPipeline(Pipeline):
    """redis-py's pipeline; what it sends goes to the slot of its first command."""

    def __init__(self, client: ClusterClient, transaction: bool, shard_hint: Any) -> None:  # noqa: ANN401
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint)
        self._client, self._whole = client, transaction

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands: list[Command] = list(self.command_stack)
        self.reset()
        if not commands:
            return []
        send = self._execute_whole if self._whole else self._execute_each
        return send(commands, raise_on_error)

    def _execute_whole(self, commands: list[Command], raise_on_error: bool) -> list[Any]:
        """A node refuses a MULTI as a whole: sending it to another one does nothing twice."""

        def run(node: redis.Redis) -> list[Any]:
            with node.pipeline(transaction=True) as multi:
                multi.command_stack = commands
                return multi.execute(raise_on_error)

        steps = follow(self._client.slots, slot_of(commands[0][0]), transaction=True)
        return list(self._client.drive(steps, {"command": run}))

    def _execute_each(self, commands: list[Command], raise_on_error: bool) -> list[Any]:
        """Those that the node refused because their slot moved meanwhile are sent again, one by one."""

        def run(node: redis.Redis) -> list[Any]:
            with node.pipeline(transaction=False) as pipe:
                pipe.command_stack = commands
                return pipe.execute(raise_on_error=False)

        replies = list(self._client.drive(follow(self._client.slots, slot_of(commands[0][0])), {"command": run}))
        for index, (arguments, options) in enumerate(commands):
            if isinstance(replies[index], redis.exceptions.AskError | redis.exceptions.TryAgainError):
                replies[index] = self._client.execute_command(*arguments, **options)
        if raise_on_error:
            self.raise_first_error(commands, replies)  # type: ignore[no-untyped-call]
        return replies


def node_of(client: redis.Redis, key: str) -> redis.Redis:
    """The client of the server that holds a key: on a cluster of its primary as far as known, else `client` itself."""
    if not isinstance(client, ClusterClient):
        return client
    return client.node(client.drive(locate(client.slots, key_slot(key.encode())), {}))


def run_id_of(client: redis.Redis, key: str) -> str:
    """The run of the server that holds a key: another one after each of its starts."""

    def run(node: redis.Redis) -> str:
        return str(node.info("server").get("run_id", ""))

    if not isinstance(client, ClusterClient):
        return run(client)
    return str(client.drive(follow(client.slots, key_slot(key.encode())), {"command": run}))


def primaries_of(client: redis.Redis) -> list[redis.Redis]:
    """A plain client of each primary; of one server, `client` itself."""
    if not isinstance(client, ClusterClient):
        return [client]
    node_of(client, COMMON_KEY)  # finds out who there is
    return [client.node(address) for address in client.slots.primaries()]
