"""The addresses of this room."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ferstream.consumer.dashboard.access.person import require
from ferstream.consumer.dashboard.api.describe import described
from ferstream.consumer.dashboard.frames.browser.start import serve
from ferstream.consumer.dashboard.frames.sources import FrameSources
from ferstream.consumer.dashboard.frames.uploads.analyze import ANY, Analyzed, analyze
from ferstream.consumer.dashboard.settings import DashboardSettings


def routes(sources: FrameSources, settings: DashboardSettings) -> list[BaseRoute]:
    """Uploads; and browser cameras, where the settings want them."""

    @described(
        "A picture, or a clip of up to 60 s and 50 MB: the faces in it, as workers see them. Of a clip ten frames a second.",
        Analyzed,
        body=ANY,
        wrong=(401, 403, 408, 413, 415, 429, 503),
    )
    async def upload(request: Request) -> Response:
        require(request, "viewer")
        return await analyze(request, sources)

    @described("A WebSocket (RFC 6455) that takes a camera's frames: docs/dashboard.md has its messages.", None, status=101)
    async def browser_camera(websocket: WebSocket) -> None:
        require(websocket, "viewer")
        await serve(websocket, sources)

    found: list[BaseRoute] = [Route("/api/analyze", upload, methods=["POST"])]
    if settings.browser_camera:
        found.append(WebSocketRoute("/api/browser-camera", browser_camera))
    return found
