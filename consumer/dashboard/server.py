"""The application: every room's addresses, and what stands before all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect

from ferstream.consumer.dashboard import page_files
from ferstream.consumer.dashboard.access import routes as sessions
from ferstream.consumer.dashboard.access.middleware import AccessMiddleware
from ferstream.consumer.dashboard.access.page_session import describe
from ferstream.consumer.dashboard.access.picture_audit import PictureAudit
from ferstream.consumer.dashboard.access.start_checks import open_access
from ferstream.consumer.dashboard.api import routes as api
from ferstream.consumer.dashboard.api.answer import nobody_reads, server_error
from ferstream.consumer.dashboard.api.door import Door
from ferstream.consumer.dashboard.cameras import routes as cameras
from ferstream.consumer.dashboard.frames import routes as frames
from ferstream.consumer.dashboard.frames.answers import Answers
from ferstream.consumer.dashboard.frames.sources import FrameSources
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.settings import DashboardSettings


def build_app(settings: DashboardSettings, hub: Hub | None = None) -> Starlette:
    """The page and its API. It reads Redis from its start (lifespan) to its end. `app.state` has `hub`, which all share."""
    access = open_access(settings)
    audit = PictureAudit(access)
    hub = hub or Hub(settings, DashboardMetrics())
    sources = FrameSources(settings, Answers(settings.redis_url, settings.prefix, settings.shards))

    door = Door(partial(describe, access=access), audit.looks)
    ours = [
        *sessions.routes(access),
        *api.routes(hub, door),
        *cameras.routes(settings.cameras_file, door),
        *frames.routes(sources, settings),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with audit, sources, hub:
            yield

    app = Starlette(
        routes=[*ours, api.list_of(ours), *page_files.routes()],
        middleware=[Middleware(AccessMiddleware, access=access)],
        exception_handlers={HTTPException: page_files.error_or_page, ClientDisconnect: nobody_reads, Exception: server_error},
        lifespan=lifespan,
    )
    app.state.hub, app.state.access = hub, access
    return app
