"""Lua scripts: what Redis does in one step, with nothing of another client's in between."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from ferstream.streams.redis_client.replies import translated


class LuaScript:
    """The script in a file. It is sent once to each server that does not know it, then called by its digest."""

    def __init__(self, path: Path) -> None:
        self._text = path.read_text()
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: "redis.Redis", keys: Sequence[str], *arguments: str | bytes | float) -> Any:  # noqa: ANN401 - its reply
        """Run it; on a Redis Cluster all keys are of one slot. Raises StoreError."""
        with translated():
            try:
                return client.evalsha(self._digest, len(keys), *keys, *arguments)
            except redis.exceptions.NoScriptError:
                return client.eval(self._text, len(keys), *keys, *arguments)
