"""A TCP proxy whose line can be made worse while it runs: slow, narrow, silent, cut in the middle of a message.

PyPI has none that is kept up and cuts a message in two; toxiproxy, which inspired the words, is a program in Go.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine
from typing import Any, Literal, Self

Direction = Literal["request", "reply"]

#: Read at once; a pipe holds as many of these as QUEUED while they wait for their time.
CHUNK = 64 * 1024
QUEUED = 256


class Proxy:
    """Passes connections on to `target` from a port of its own, until closed. Its faults may be set from any thread.

    delay_s: what every byte takes longer, each way. bytes_per_s: what passes in a second, each way, over all connections.
    target: may be another server from the next connection on, as after a failover. cuts: how many connections `cut_next` cut.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target, self.delay_s, self.cuts = target, 0.0, 0
        self.bytes_per_s: float | None = None
        self._hole = False
        self._free_at: dict[Direction, float] = {"request": 0.0, "reply": 0.0}
        self._next_cut: tuple[Direction, int, float] | None = None
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._call(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection that there is now."""
        self._call(self._each(lambda line: line.abort()))

    def cut_next(self, direction: Direction, *, at_least: int = 1, keep: float = 0.5) -> None:
        """Pass on this share of the next piece of so many bytes, then cut its connection. With 0 the message is lost."""
        self._next_cut = (direction, at_least, keep)

    def black_hole(self) -> None:
        """Swallow what comes, on old connections and new ones, and keep them open: half-open, as behind a dead firewall."""
        self._hole = True
        self._call(self._each(lambda line: line.swallow()))

    def heal(self) -> None:
        """New connections work again, and the line is fast and wide; what was swallowed stays so."""
        self._hole, self.delay_s, self.bytes_per_s, self._next_cut = False, 0.0, None, None

    def half_close(self) -> None:
        """Tell every client that the server sends no more; what the client sends is still passed on."""
        self._call(self._each(lambda line: line.half_close()))

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _each(self, what: Any) -> None:
        for line in list(self._lines):
            what(line)

    async def _end(self) -> None:
        self._server.close()
        await asyncio.sleep(0)  # who was just accepted begins, or could not be ended
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            line = _Line(self, (reader, writer), await asyncio.open_connection(*self.target))
            self._lines.add(line)
            if self._hole:
                line.swallow()
            try:
                await line.run()
            finally:
                line.abort()
                self._lines.discard(line)
        except (OSError, asyncio.CancelledError):  # there is no server, or the proxy closes
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    def takes_cut(self, direction: Direction, size: int) -> float | None:
        """The share of a piece to keep where it is to be cut, which is done once."""
        if self._next_cut is None or self._next_cut[0] != direction or size < self._next_cut[1]:
            return None
        keep, self._next_cut = self._next_cut[2], None
        self.cuts += 1
        return keep

    async def narrow(self, direction: Direction, size: int) -> None:
        """Wait as long as the line is busy with what goes before these bytes, and with them."""
        if self.bytes_per_s is not None:
            begin = max(time.monotonic(), self._free_at[direction])
            self._free_at[direction] = begin + size / self.bytes_per_s
            await asyncio.sleep(self._free_at[direction] - time.monotonic())


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Line:
    """One connection: a pipe each way."""

    def __init__(self, proxy: Proxy, client: Pair, server: Pair) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._swallows = self._half = False

    async def run(self) -> None:
        """Until both ends have said all."""
        requests = self._pipe("request", self._client[0], self._server[1])
        replies = self._pipe("reply", self._server[0], self._client[1])
        await asyncio.gather(requests, replies)

    def abort(self) -> None:
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    def swallow(self) -> None:
        self._swallows = True

    def half_close(self) -> None:
        self._half = True
        with contextlib.suppress(OSError, RuntimeError):
            self._client[1].write_eof()

    async def _pipe(self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED)
        taking = asyncio.ensure_future(self._take(reader, waiting))
        try:
            while True:
                due_at, data = await waiting.get()
                await asyncio.sleep(max(0.0, due_at - time.monotonic()))
                if not data:
                    break
                if not self._swallows and not (self._half and direction == "reply"):
                    await self._pass(direction, data, writer)
            if not self._swallows:
                with contextlib.suppress(RuntimeError):
                    writer.write_eof()
        finally:
            taking.cancel()

    async def _take(self, reader: asyncio.StreamReader, waiting: "asyncio.Queue[tuple[float, bytes]]") -> None:
        data = b" "
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            await waiting.put((time.monotonic() + self._proxy.delay_s, data))

    async def _pass(self, direction: Direction, data: bytes, writer: asyncio.StreamWriter) -> None:
        await self._proxy.narrow(direction, len(data))
        keep = self._proxy.takes_cut(direction, len(data))
        if keep is not None:
            writer.write(data[: int(len(data) * keep)])
            await writer.drain()
            await asyncio.sleep(0.01)  # a reset throws away what was not sent yet
            self.abort()
            return
        writer.write(data)
        await writer.drain()
