"""A WebSocket or a stream that lasts, and ends with the right to it."""

import asyncio
import time
from contextlib import suppress

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Send

from ferstream.consumer.dashboard.access.access import Access
from ferstream.consumer.dashboard.access.person import POLICY_VIOLATION, Person
from ferstream.consumer.dashboard.access.refusal import Refusal

#: Seconds after which it ends at the latest when its person may no longer look.
LOOK_AGAIN_S = 5.0


class WatchedConnection:
    """`receive` and `send` of an admitted connection: it ends when its person may no longer look, or has another role."""

    def __init__(self, access: Access, connection: HTTPConnection, person: Person, receive: Receive, send: Send) -> None:
        self._access, self._connection, self._person = access, connection, person
        self._receive, self._send = receive, send
        self._next_look = time.monotonic() + LOOK_AGAIN_S
        self._is_websocket = connection.scope["type"] == "websocket"
        self._ended = self._open = False
        self.answered = False  # or being so

    async def receive(self) -> Message:
        while True:
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + LOOK_AGAIN_S
                if await self._is_gone():
                    return await self._end()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._next_look - time.monotonic()):
                    return await self._receive()

    async def send(self, message: Message) -> None:
        if self._ended and self._is_websocket:
            raise OSError("the connection was ended")  # what ASGI wants of one that the other side has closed
        self.answered = True
        self._open = message["type"] == "http.response.start" or bool(message.get("more_body"))
        await self._send(message)

    async def finish(self) -> None:
        """Give a stream that was ended a proper end."""
        if self._ended and self._open:
            await self._send({"type": "http.response.body", "body": b""})

    async def _is_gone(self) -> bool:
        try:
            found, _ = await self._access.identify(self._connection)
        except Refusal:
            return True
        return found != self._person

    async def _end(self) -> Message:
        before, self._ended = self._ended, True
        if not self._is_websocket:
            return {"type": "http.disconnect"}
        if not before:
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "log in again"})
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": "log in again"}
