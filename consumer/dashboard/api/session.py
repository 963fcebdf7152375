"""The session of everybody, where nobody has to log in."""

from collections.abc import Iterable
from typing import Any

from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.api.door import Door
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.streams.service.metrics import ferstream_version


def open_door(settings: DashboardSettings) -> Door:
    """Everybody may everything."""
    session = {
        "name": "local",
        "role": "admin",
        "csrf": "",
        "login": False,
        "pictures": settings.pictures,
        "browser_camera": settings.browser_camera,
        "cameras_editable": settings.cameras_file is not None,
        "version": ferstream_version(),
    }

    def describe(_connection: HTTPConnection) -> dict[str, Any]:
        return session

    async def looks(_connection: HTTPConnection, _cameras: Iterable[str]) -> None:
        """Nobody is told apart."""

    return Door(describe, looks)
