"""What the WebSockets of all rooms have in common: several things at once until one ends, and how they are closed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect


async def first_of(*steps: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, and end the others. A connection that is gone is an end as any other."""
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect | OSError):
            raise error


async def farewell(websocket: WebSocket, code: int) -> None:
    """Say farewell, or, to somebody who does not read, nothing."""
    abort = websocket.scope["extensions"].get("fer.drop")
    if abort:
        abort(code)
    else:
        await websocket.close(code)
