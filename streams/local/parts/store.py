"""The Redis of all parts: one that is theirs alone, or one that is there."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from ferstream.streams.errors import StoreError, StoreUnavailable
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.local.parts.board import Board
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect, redact
from ferstream.streams.redis_client.preflight import check_shards
from ferstream.streams.service.command import Failure
from ferstream.streams.wire.keys import Keys

#: Seconds between two lines of what is waited for.
_LINE_S = 10.0


class StoreLost(Failure):
    """The Redis that was ours has ended, and everything in it is gone."""

    exit_code = 1


class Store:
    """Embedded where no URL is given. `folder` is private, and gone at the end. Raises StoreError where the URL is none."""

    def __init__(self, url: str | None, prefix: str, board: Board) -> None:
        self._prefix, self._board = prefix, board
        self._stack = ExitStack()
        self._server: EmbeddedRedis | None = None
        if url is None:
            self._server = self._stack.enter_context(EmbeddedRedis())
            self.url, self.folder = self._server.url, self._server.directory
        else:
            self.url = url
            self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fer-")))
        self.client = connect(self.url)
        self._stack.callback(self.client.close)

    @property
    def keys(self) -> Keys:
        """With the shards that this deployment has by now. Raises StoreError."""
        keys = Keys(self._prefix)
        with translated():
            return keys.sharded(self.client.get(keys.shard_count))

    @property
    def is_ours(self) -> bool:
        return self._server is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def wait(self, stop: Event) -> None:
        """Until it answers, or `stop` is set; says what is waited for. Raises StoreRefused where waiting will not help."""
        said_at = 0.0
        while not stop.is_set():
            try:
                self._ping()
            except StoreUnavailable as error:
                if time.monotonic() - said_at > _LINE_S:
                    said_at = time.monotonic()
                    self._board.say("redis", f"waiting for {redact(self.url)}: {error}", "warning")
                stop.wait(0.5)
            else:
                if self.is_ours:
                    check_shards(self.client, Keys(self._prefix))  # nobody has to wait for who says how many there are
                self._board.say("redis", f"{'ready at' if self.is_ours else 'there:'} {redact(self.url)}")
                if self.is_ours:  # who gave a URL knows it
                    self._board.say("redis", f"for other programs: FER_REDIS={self.url} fer status")
                return

    def answers(self) -> bool:
        """Whether it is there now."""
        try:
            self._ping()
        except StoreError:
            return False
        return True

    def look(self) -> None:
        """Raises StoreLost where our own has ended."""
        if self._server and not self._server.running():
            raise StoreLost("the embedded Redis ended, and the frames, results and events in it are gone: start again")

    def _ping(self) -> None:
        with translated():
            self.client.ping()
