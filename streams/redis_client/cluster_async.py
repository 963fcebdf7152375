"""ClusterClient for asyncio, as far as subscribers need it: single commands."""

from collections.abc import Sequence
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import ConnectionError, RedisClusterException, TimeoutError

from ferstream.streams.redis_client.cluster_nodes import Address, cause_of, cluster_settings, name_node, slot_of


class AsyncClusterClient(redis.asyncio.Redis):
    """Each command goes to the primary that holds its key's slot. Several tasks may use it at once."""

    def __init__(self, seeds: Sequence[Address], settings: dict[str, Any]) -> None:
        pool: redis.asyncio.ConnectionPool = redis.asyncio.ConnectionPool(**settings, host=seeds[0][0], port=seeds[0][1])
        super().__init__(connection_pool=pool)
        self._seeds, self._settings = seeds, cluster_settings(settings)
        self._opened: AsyncCluster | None = None

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        if self._opened is None:
            self._opened = AsyncCluster(startup_nodes=[ClusterNode(*seed) for seed in self._seeds], **self._settings)
        try:
            await self._opened.initialize()
            return await self._opened.execute_command(*args, **options)
        except RedisClusterException as error:
            self._opened = None  # no node that it knows answers: the next command begins with those of the URL
            failure = cause_of(error)
        except (ConnectionError, TimeoutError) as error:
            name_node(error)
            raise
        raise failure

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        if self._opened:
            await self._opened.aclose()
            await self._opened.nodes_manager.aclose()  # after a lost reply the line above does nothing


class AsyncCluster(RedisCluster):
    """redis-py's client, with what we need otherwise."""

    COMMAND_FLAGS: dict[str, str] = {}  # noqa: RUF012 - none goes to several nodes or to any

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - redis-py's signature
        super().__init__(**settings)
        self.commands_parser = NoCommands()  # type: ignore[assignment]
        self._failed: str | None = None

    async def initialize(self, additional_startup_nodes_info: Any = None, last_failed_node_name: str | None = None) -> Any:  # noqa: ANN401
        """Find out who holds which slot, if need be. The node that gave no answer is asked last."""
        return await super().initialize(additional_startup_nodes_info, last_failed_node_name or self._failed)

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        try:
            return await super().execute_command(*args, **options)
        except (ConnectionError, TimeoutError) as error:
            self._failed = getattr(error, "last_failed_node_name", None)
            raise

    def get_node(self, host: str | None = None, port: int | None = None, node_name: str | None = None) -> ClusterNode | None:
        """Also one that joined since, and that a slot is on its way to."""
        known = super().get_node(host, port, node_name)
        if known or not node_name:
            return known
        name, _, number = node_name.rpartition(":")
        return self.nodes_manager.nodes_cache.setdefault(node_name, ClusterNode(name, int(number), **self.connection_kwargs))

    async def _determine_slot(self, command: str, *args: Any) -> int:  # noqa: ANN401 - redis-py's signature
        return slot_of((command, *args))


class NoCommands:
    """In place of redis-py's list of all commands, by which it finds their keys."""

    async def initialize(self, _node: ClusterNode) -> None:
        pass
