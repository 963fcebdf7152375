"""What is to be sent to one page: bounded, the oldest goes first."""

import asyncio
from collections import deque

import msgspec
from starlette.websockets import WebSocket

#: Messages that wait. A page has a handful of frames in flight.
MOST = 256
#: A send that takes longer is to a page that does not read.
PATIENCE_S = 10.0

_encode = msgspec.json.Encoder().encode


class Outbox:
    """Messages for one WebSocket, sent one at a time by `run`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._messages: deque[object] = deque(maxlen=MOST)
        self._news = asyncio.Event()

    def put(self, message: object) -> None:
        """Send it as JSON when those before it are gone."""
        self._messages.append(message)
        self._news.set()

    async def run(self) -> None:
        """Until cancelled, or until the page does not read."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._messages:
                try:
                    await self.send(self._messages.popleft())
                except TimeoutError:
                    return

    async def send(self, message: object) -> None:
        """At once. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            await self._websocket.send_text(_encode(message).decode())
