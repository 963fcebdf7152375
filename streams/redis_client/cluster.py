"""redis-py's client of a Redis Cluster, as one that behaves like its client of one server: nothing is opened before the first
command, and nothing that may have been done is sent again.

Left alone, redis-py connects when it is made, asks for the list of all commands, and for the keys of every XREAD; it repeats
commands whose reply was lost; and after such a loss in a MULTI it does not look for a new primary.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import redis
from redis.client import Pipeline
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ClusterError,
    ConnectionError,
    MovedError,
    RedisClusterException,
    TimeoutError,
    TryAgainError,
)

from ferstream.streams.redis_client.cluster_nodes import Address, cause_of, cluster_settings, name_node, slot_of

T = TypeVar("T")
Command = tuple[tuple[Any, ...], dict[str, Any]]

#: While a slot moves, a MULTI waits for all of its keys to arrive, at most so long.
MOVING_PATIENCE_S = 2.0
MOVING_PAUSE_S = 0.05


class ClusterClient(redis.Redis):
    """Each command goes to the primary that holds its key's slot. Safe to use from several threads, as redis.Redis is."""

    def __init__(self, seeds: Sequence[Address], settings: dict[str, Any]) -> None:
        super().__init__(connection_pool=redis.ConnectionPool(**settings, host=seeds[0][0], port=seeds[0][1]))
        self._seeds, self._settings = seeds, cluster_settings(settings)
        self._opened: Cluster | None = None
        self._lock = threading.Lock()

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        return self.run(lambda cluster: cluster.execute_command(*args, **options))  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> "ClusterPipeline":  # noqa: ANN401
        """Commands of one slot, sent in one MULTI, whatever `transaction` is."""
        return ClusterPipeline(self)

    def close(self) -> None:
        if self._opened:
            self._opened.close()

    def run(self, command: Callable[["Cluster"], T]) -> T:
        """Do something with redis-py's client, which is made if need be."""
        try:
            return command(self._open())
        except RedisClusterException as error:
            self._opened = None  # no node that it knows answers: the next command begins with those of the URL
            failure = cause_of(error)
        except (ConnectionError, TimeoutError) as error:
            name_node(error)
            raise
        raise failure

    def _open(self) -> "Cluster":
        with self._lock:
            if self._opened is None:
                nodes = [ClusterNode(*seed) for seed in self._seeds]  # type: ignore[no-untyped-call]
                self._opened = Cluster(startup_nodes=nodes, **self._settings)
            return self._opened


class Cluster(RedisCluster):
    """redis-py's client, with what we need otherwise."""

    COMMAND_FLAGS: dict[str, str] = {}  # noqa: RUF012 - none goes to several nodes or to any

    def command(self, **_: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - redis-py's signature
        """No command's keys are looked up by the server's list of commands."""
        return {}

    def determine_slot(self, *args: Any) -> int:  # noqa: ANN401 - redis-py's signature
        return slot_of(args)

    def get_node(self, host: str | None = None, port: int | None = None, node_name: str | None = None) -> ClusterNode | None:
        """Also one that joined since, and that a slot is on its way to."""
        known: ClusterNode | None = super().get_node(host, port, node_name)  # type: ignore[no-untyped-call]
        if known or not node_name:
            return known
        name, _, number = node_name.rpartition(":")
        joined = ClusterNode(name, int(number))  # type: ignore[no-untyped-call]
        return self.nodes_manager.nodes_cache.setdefault(node_name, joined)

    def clients_of_primaries(self) -> list[redis.Redis]:
        """Of those that there are now: the cluster is asked."""
        self.nodes_manager.initialize()
        return [self.get_redis_connection(node) for node in self.get_primaries()]  # type: ignore[no-untyped-call]

    def multi(self, commands: list[Command], raise_on_error: bool) -> list[Any]:
        """A node refuses a MULTI as a whole: sending it again, also to another one, does nothing twice."""
        slot, give_up_at = slot_of(commands[0][0]), time.monotonic() + MOVING_PATIENCE_S
        while True:
            node = self.nodes_manager.get_node_from_slot(slot)
            try:
                with self.get_redis_connection(node).pipeline(transaction=True) as multi:
                    multi.command_stack = commands
                    return multi.execute(raise_on_error)
            except (AskError, TryAgainError) as error:
                if isinstance(error, MovedError):
                    self.nodes_manager.move_slot(error)
                if time.monotonic() > give_up_at:
                    raise ClusterError(f"slot {slot} is on its way to another node") from error
                time.sleep(MOVING_PAUSE_S)
            except (ConnectionError, TimeoutError, ClusterDownError) as error:
                error.connection = node  # type: ignore[union-attr]  # as redis-py does for single commands
                with suppress(RedisClusterException):
                    self.nodes_manager.initialize(last_failed_node_name=node.name)
                raise


class ClusterPipeline(Pipeline):
    """redis-py's pipeline; its MULTI goes to the slot of its first command."""

    def __init__(self, client: ClusterClient) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction=True, shard_hint=None)
        self._client = client

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands: list[Command] = list(self.command_stack)
        self.reset()
        return self._client.run(lambda cluster: cluster.multi(commands, raise_on_error)) if commands else []


def node_of(client: redis.Redis, key: str) -> redis.Redis:
    """The client of the server that holds a key: on a cluster of its primary as far as known, else `client` itself."""
    if not isinstance(client, ClusterClient):
        return client
    return client.run(lambda cluster: cluster.get_redis_connection(cluster.get_node_from_key(key)))  # type: ignore[no-untyped-call]


def primaries_of(client: redis.Redis) -> list[redis.Redis]:
    """A plain client of each primary that there is now; of one server, `client` itself."""
    if not isinstance(client, ClusterClient):
        return [client]
    return client.run(Cluster.clients_of_primaries)
