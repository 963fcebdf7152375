"""The addresses of the API."""

from collections.abc import Iterable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from ferstream.consumer.dashboard.access.person import person_of
from ferstream.consumer.dashboard.api.answer import json_answer
from ferstream.consumer.dashboard.api.cameras import CamerasApi
from ferstream.consumer.dashboard.api.describe import described
from ferstream.consumer.dashboard.api.door import Door
from ferstream.consumer.dashboard.api.events import EventsApi
from ferstream.consumer.dashboard.api.live_socket import LiveSocket
from ferstream.consumer.dashboard.api.openapi import document
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.deployment.deployment import Deployment


def routes(hub: Hub, door: Door) -> list[BaseRoute]:
    """All of them but the one that lists them."""
    status = StatusApi(hub)
    return [
        Route("/healthz", status.healthz),
        Route("/readyz", status.readyz),
        Route("/api/status", status.status),
        *CamerasApi(hub, door).routes(),
        *EventsApi(hub).routes(),
        WebSocketRoute("/api/live", LiveSocket(hub, door).serve),
    ]


def list_of(others: Iterable[BaseRoute]) -> Route:
    """The route that lists these, and itself."""
    said: dict[str, Any] = {}

    @described("This list.", "application/json")
    async def openapi(_request: Request) -> Response:
        return json_answer(said)

    route = Route("/api/openapi.json", openapi)
    said |= document([*others, route])
    return route


class StatusApi:
    """How the server is, and the deployment."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @described("Whether the server's loop comes round.", "text/plain", wrong=(503,))
    async def healthz(self, request: Request) -> Response:
        return _well(self._hub.unhealthy(), request)

    @described("Whether Redis can be seen.", "text/plain", wrong=(503,))
    async def readyz(self, request: Request) -> Response:
        return _well(self._hub.unready(), request)

    @described("How the deployment is: as `fer status --json`, and `figures` of each camera's results.", Deployment, wrong=(503,))
    async def status(self, _request: Request) -> Response:
        if self._hub.away:
            raise HTTPException(503, self._hub.away)
        return json_answer(self._hub.status())


def _well(problem: str | None, request: Request) -> Response:
    """Anybody may ask whether; why, which names the machine of Redis, is for those who are logged in."""
    if problem and person_of(request) is None:
        problem = "no: log in, or look into the server's log, to see why"
    return PlainTextResponse(f"{problem or 'ok'}\n", 503 if problem else 200)
