"""Who asks, and what the page may show them."""

import msgspec
from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.streams.service.metrics import ferstream_version


class Session(msgspec.Struct, frozen=True):
    """What a page needs to know of itself; `csrf` goes into the header X-CSRF-Token of every request that changes something."""

    name: str
    role: str
    csrf: str
    login: bool
    pictures: bool
    browser_camera: bool
    cameras_editable: bool
    version: str


def session_of(connection: HTTPConnection, settings: DashboardSettings) -> Session:
    """The session of a request or a WebSocket."""
    return Session(
        name="local",
        role="admin",
        csrf="",
        login=False,
        pictures=settings.pictures,
        browser_camera=settings.browser_camera,
        cameras_editable=settings.cameras_file is not None,
        version=ferstream_version(),
    )
