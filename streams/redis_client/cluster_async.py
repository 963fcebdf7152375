"""ClusterClient for asyncio, as far as subscribers need it: single commands."""

import asyncio
from collections.abc import Sequence
from typing import Any

import redis
import redis.asyncio

from ferstream.streams.redis_client.redirects import Pause, Visit, follow
from ferstream.streams.redis_client.slot_map import Address, SlotMap, slot_of


class AsyncClusterClient(redis.asyncio.Redis):
    """Each command goes to the primary that holds its key's slot."""

    def __init__(self, seeds: Sequence[Address], settings: dict[str, Any]) -> None:
        self.slots = SlotMap(seeds)
        self._settings = settings
        self._nodes: dict[Address, redis.asyncio.Redis] = {}
        super().__init__(connection_pool=self.node(seeds[0]).connection_pool)

    def node(self, address: Address) -> "redis.asyncio.Redis":
        """A plain client of one node."""
        if address not in self._nodes:
            pool: redis.asyncio.ConnectionPool = redis.asyncio.ConnectionPool(**self._settings, host=address[0], port=address[1])
            self._nodes[address] = redis.asyncio.Redis.from_pool(pool)
        return self._nodes[address]

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        steps = follow(self.slots, slot_of(args))
        go_on, given = steps.send, None
        while True:
            try:
                step = go_on(given)
            except StopIteration as end:
                return end.value
            try:
                go_on, given = steps.send, await self._perform(step, args, options)
            except redis.RedisError as error:
                go_on, given = steps.throw, error

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        for node in self._nodes.values():
            await node.aclose(close_connection_pool)

    async def _perform(self, step: Visit | Pause, args: Sequence[Any], options: dict[str, Any]) -> Any:  # noqa: ANN401
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        node = self.node(step.address)
        if step.what == "slots":
            return await node.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
        if step.what == "asking":
            async with node.pipeline(transaction=False) as pipe:
                pipe.execute_command("ASKING")
                pipe.execute_command(*args, **options)
                return (await pipe.execute())[1]
        return await node.execute_command(*args, **options)  # type: ignore[no-untyped-call]
