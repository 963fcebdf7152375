"""WS /api/live: what happens now, to one viewer."""

import asyncio

from starlette.websockets import WebSocket

from ferstream.consumer.dashboard.api.describe import described
from ferstream.consumer.dashboard.api.door import Door
from ferstream.consumer.dashboard.api.sockets import farewell, first_of
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.messages import hello_text, read_watch
from ferstream.consumer.dashboard.live.viewer import Message, Viewer

#: WebSocket close codes (RFC 6455 7.4.1).
WRONG_MESSAGE, TRY_LATER = 1003, 1013
MOST_BYTES = 256 * 1024
#: A page that says what it wants to see more often than this, on average over ten seconds, is broken.
WATCHES_PER_SECOND = 20
#: The audit is told again after so many seconds who still looks: cameras become known meanwhile.
LOOKS_S = 10.0


class LiveSocket:
    """Its messages are those of live/messages.py."""

    def __init__(self, hub: Hub, door: Door) -> None:
        self._hub, self._door = hub, door

    @described("A WebSocket (RFC 6455) of what happens now: docs/dashboard.md has its messages.", None, status=101)
    async def serve(self, websocket: WebSocket) -> None:
        session = self._door.describe(websocket)
        await websocket.accept()

        async def send(message: Message) -> None:
            if isinstance(message, str):
                await websocket.send({"type": "websocket.send", "text": message})
            else:
                await websocket.send({"type": "websocket.send", "bytes": message})

        viewer = Viewer(send, self._hub.metrics, pictures=bool(session["pictures"]))
        viewer.offer_event(hello_text(session))
        self._hub.add(viewer)
        try:
            await first_of(viewer.run(), _listen(websocket, viewer), viewer.wait_dropped(), self._note_looks(websocket, viewer))
        finally:
            self._hub.remove(viewer)
        if viewer.dropped:
            self._hub.metrics.dropped(viewer.dropped)
            await farewell(websocket, WRONG_MESSAGE if viewer.dropped == "wrong-message" else TRY_LATER)

    async def _note_looks(self, websocket: WebSocket, viewer: Viewer) -> None:
        """Say whose pictures are looked at, as long as they are."""
        while True:
            await self._door.looks(websocket, viewer.sees_pictures_of(self._hub.cameras()))
            await viewer.watches_otherwise(LOOKS_S)


async def _listen(websocket: WebSocket, viewer: Viewer) -> None:
    """What the page wants to see, until it is gone."""
    allowance, before = WATCHES_PER_SECOND * 10.0, asyncio.get_running_loop().time()
    while True:
        said = await websocket.receive()
        if said["type"] == "websocket.disconnect":
            return
        now = asyncio.get_running_loop().time()
        allowance, before = min(WATCHES_PER_SECOND * 10.0, allowance + (now - before) * WATCHES_PER_SECOND) - 1, now
        text = said.get("text") or said.get("bytes") or ""
        try:
            if len(text) > MOST_BYTES or allowance < 0:
                raise ValueError("too much")
            viewer.watch(read_watch(text))
        except ValueError:
            viewer.drop("wrong-message")
            return
