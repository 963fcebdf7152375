"""How a page comes to a camera of its own, or is refused."""

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from ferstream.consumer.dashboard.api.sockets import farewell
from ferstream.consumer.dashboard.frames import metrics
from ferstream.consumer.dashboard.frames.browser.browser_camera import TRY_LATER, BrowserCamera
from ferstream.consumer.dashboard.frames.browser.outbox import Outbox
from ferstream.consumer.dashboard.frames.browser.page_messages import PageError, Start, read_start
from ferstream.consumer.dashboard.frames.names import browser_name
from ferstream.consumer.dashboard.frames.sent_camera import SentCamera
from ferstream.consumer.dashboard.frames.sources import MOST_CAMERAS, FrameSources
from ferstream.streams.errors import FerstreamError

#: What one page may have waiting in Redis.
BUDGET_BYTES = 2 * 1024 * 1024
MOST_FPS = 15.0
#: A page says so soon how it starts.
START_S = 10.0
#: WebSocket close code (RFC 6455 7.4.1).
WRONG_MESSAGE = 1003


class Refused(FerstreamError):
    """There is no camera for this page; `code` closes its WebSocket."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


async def serve(websocket: WebSocket, sources: FrameSources) -> None:
    """One person's camera, from the first message of the page to its last."""
    await websocket.accept()
    sources.browser_cameras += 1
    try:
        await _serve(websocket, sources)
    except Refused as error:
        metrics.REFUSED.labels("browser", str(error.code)).inc()
        with suppress(RuntimeError, WebSocketDisconnect, OSError):
            await Outbox(websocket).send({"type": "refused", "why": str(error)})
            await farewell(websocket, error.code)
    except WebSocketDisconnect:
        pass  # before it had a camera
    finally:
        sources.browser_cameras -= 1


async def _serve(websocket: WebSocket, sources: FrameSources) -> None:
    start = await _read_start(websocket)
    if sources.browser_cameras > MOST_CAMERAS:
        raise Refused(f"{MOST_CAMERAS} browser cameras are connected already: try again later", TRY_LATER)
    camera = await _take(start, sources)
    await BrowserCamera(websocket, sources, camera, min(start.fps, MOST_FPS)).run()


async def _take(start: Start, sources: FrameSources) -> SentCamera:
    try:
        return await sources.take(browser_name(start.name), "browser", BUDGET_BYTES)
    except FerstreamError as error:
        raise Refused(f"this camera cannot write frames: {error}", TRY_LATER) from error


async def _read_start(websocket: WebSocket) -> Start:
    """Raises Refused, WebSocketDisconnect."""
    try:
        async with asyncio.timeout(START_S):
            return read_start(await websocket.receive_text())
    except (TimeoutError, KeyError):  # nothing; bytes
        raise Refused('the first message must be {"type":"start"}', WRONG_MESSAGE) from None
    except PageError as error:
        raise Refused(str(error), WRONG_MESSAGE) from error
