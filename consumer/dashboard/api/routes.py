"""The addresses of the API."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from ferstream.consumer.dashboard.api.answer import error_answer, json_answer
from ferstream.consumer.dashboard.api.live_socket import LiveSocket
from ferstream.consumer.dashboard.api.session import session_of
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.settings import DashboardSettings


def routes(hub: Hub, settings: DashboardSettings) -> list[BaseRoute]:
    """All of them."""

    async def session(request: Request) -> Response:
        return json_answer(session_of(request, settings))

    async def status(_request: Request) -> Response:
        if hub.away:
            return error_answer(503, hub.away)
        return json_answer(hub.status())

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        return PlainTextResponse(f"{hub.away or 'ok'}\n", 503 if hub.away else 200)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/api/session", session),
        Route("/api/status", status),
        WebSocketRoute("/api/live", LiveSocket(hub, settings).serve),
    ]
