"""The session as a page or a program sees it."""

from typing import Any

import msgspec
from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.access.person import Person, person_of
from ferstream.consumer.dashboard.access.session import BrowserSession
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.streams.service.metrics import ferstream_version


class PageSession(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what there is for them here.

    `csrf` goes into the header X-CSRF-Token of every request that changes something; `login` says whether people have to log
    in, and `logins` how they can: with `password`, with `token`. Nobody has no name and no role.
    """

    name: str | None
    role: str | None
    csrf: str
    login: bool
    logins: list[str]
    pictures: bool
    browser_camera: bool
    cameras_editable: bool
    version: str


def session_of(person: Person | None, session: BrowserSession, settings: DashboardSettings) -> PageSession:
    """The session of a person, or of nobody."""
    may_see, may_change = person is not None and person.may("viewer"), person is not None and person.may("admin")
    return PageSession(
        name=person.name if person else None,
        role=person.role if person else None,
        csrf=session.csrf(),
        login=not settings.is_open,
        logins=[way for way, file in (("password", settings.users_file), ("token", settings.token_file)) if file],
        pictures=settings.pictures and may_see,
        browser_camera=settings.browser_camera and may_see,
        cameras_editable=settings.cameras_file is not None and may_change,
        version=ferstream_version(),
    )


def describe(connection: HTTPConnection, settings: DashboardSettings) -> dict[str, Any]:
    """That of whoever is at the other end of a connection, as JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(session_of(person_of(connection), BrowserSession(connection), settings))
    return found
