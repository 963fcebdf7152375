"""The words of a dialogue with Redis, which a blocking or an async client speaks."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from ferstream.streams.wire.keys import Keys

#: Entries taken from a shard in one read, claimed in one look, acknowledged in one command.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Command:
    """To be executed; its reply is sent back, or its translated error thrown in."""

    arguments: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """The intake may have something ready; also comes while there is nothing, so that the caller may leave."""


Step = Command | Pause | Look
Steps = Generator[Step, Any, None]
Entry = tuple[int, str, dict[bytes, bytes] | None]
"""Shard, id and fields; None where Redis trimmed it."""


def entries(reply: Any, keys: Keys) -> Iterator[Entry]:  # noqa: ANN401 - redis-py's, a list or a map of streams
    """The entries of an XREAD or XREADGROUP reply."""
    numbers = {keys.results(shard).encode(): shard for shard in range(keys.shards)}
    for name, listed in reply.items() if isinstance(reply, dict) else reply or ():
        for entry_id, fields in listed:
            yield numbers[name], entry_id.decode(), fields
