"""What Redis keeps of a shard's tracks: the state of every camera, how far the results were read, and the events that are out.

All three change in one script (scripts/publish_events.lua), and only for the tracker that made the last step. That is what makes
an event come once:

- Killed before the step, its successor reads the same results again, from where the state is, and publishes what was not.
- Killed after it, what it has published is in the state: results that are read again are older than that, and change nothing.
- Stalled for longer than its lease, it finds that another has made a step since. It is refused, and lets go.

So the results are read from a position that stands beside the state, and not through a consumer group: two places that say how
far one is cannot change in one step. A group would also hand new entries to a former owner whose read was under way as it was
stopped, and the successor would miss them.

The state is stored, and not rebuilt from the last seconds of results: a track that began before them would get another number,
and another beginning, than its events have told already. Why whole shards are owned, and not single cameras: whoever reads a
results stream gets all of its cameras, and a shard's state and events are in one slot of Redis, where one step can change them.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.commands import LuaScript, translated
from ferstream.streams.wire.codec import encode_event
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Event

_PUBLISH = LuaScript(__file__, "publish_events")
#: The field of step and position: no camera has this name.
_SHARD = b""


class Overtaken(FerstreamError):
    """The shard's state is not the one that this tracker wrote last: it publishes nothing more of it."""


class ShardState:
    """The state of one shard, for the one tracker that took it last. Not thread-safe; each call is safe to repeat."""

    def __init__(self, client: "redis.Redis", keys: Keys, shard: int, *, keep_events_s: float) -> None:
        self._client, self._shard, self._keep_events_s = client, shard, keep_events_s
        self._keys = [keys.tracks(shard), keys.events(shard)]
        self._token, self._steps = secrets.token_hex(8), 0
        self._last: str | None = None  # the step that is the last one, as far as we know
        self._position = ""

    def take(self) -> tuple[str, dict[str, bytes]]:
        """Be the one who may write. Returns how far the results were read ("" where nobody has), and the state of each camera.

        Raises Overtaken where another took it at the same moment, and StoreError.
        """
        if self._last is None:
            with translated():
                said: Any = self._client.hget(self._keys[0], "") or b""
            self._last, _, self._position = said.decode().partition(" ")
        # A step that changes nothing but whose it is: from here on the former owner is refused, and what is read below stays so.
        self.write((), {}, self._position)
        with translated():
            stored: Any = self._client.hgetall(self._keys[0])
        return self._position, {name.decode(): state for name, state in stored.items() if name != _SHARD}

    def write(self, events: Sequence[Event], states: Mapping[str, bytes], position: str) -> None:
        """Publish events together with the state after them, as of `position`; no bytes forget a camera.

        Raises Overtaken, and StoreError. After StoreUnavailable it may have been done: call again with the same, first of all.
        """
        step = f"{self._token}:{self._steps + 1}"
        arguments: list[str | bytes | float] = [self._last or "", step, position, self._keep_events_s, len(events)]
        arguments += [encode_event(event)[b"e"] for event in events]
        arguments += [part for state in states.items() for part in state]
        if not _PUBLISH.run(self._client, self._keys, *arguments):
            raise Overtaken(
                f"tracks of shard {self._shard} are not as this tracker left them: another has gone on, or Redis lost its data"
            )
        self._last, self._position = step, position
        self._steps += 1
