"""The application: every room's addresses, and what stands before all of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from ferstream.consumer.dashboard import page_files
from ferstream.consumer.dashboard.api import routes as api
from ferstream.consumer.dashboard.api.answer import http_error, server_error
from ferstream.consumer.dashboard.api.session import open_door
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.settings import DashboardSettings


def build_app(settings: DashboardSettings, hub: Hub | None = None) -> Starlette:
    """The page and its API. It reads Redis from its start (lifespan) to its end. `app.state.hub` is what all viewers share."""
    hub = hub or Hub(settings, DashboardMetrics())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with hub:
            yield

    app = Starlette(
        routes=_routes(settings, hub),
        middleware=_middleware(settings),
        exception_handlers={HTTPException: http_error, Exception: server_error},
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


def _routes(settings: DashboardSettings, hub: Hub) -> list[BaseRoute]:
    """Each room's; the first that matches an address answers."""
    ours = api.routes(hub, open_door(settings))
    return [*ours, api.list_of(ours), *page_files.routes()]


def _middleware(_settings: DashboardSettings) -> Sequence[Middleware]:
    """The outermost first."""
    return []
