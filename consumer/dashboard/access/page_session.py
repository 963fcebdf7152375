"""The session as a page or a program sees it."""

from typing import Any

import msgspec
from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.access.access import Access, Person, person_of
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


def session_of(person: Person | None, csrf: str, settings: DashboardSettings) -> PageSession:
    """The session of a person, or of nobody."""
    may_see, may_change = person is not None and person.may("viewer"), person is not None and person.may("admin")
    return PageSession(
        name=person.name if person else None,
        role=person.role if person else None,
        csrf=csrf,
        login=not settings.is_open,
        logins=[way for way, file in (("password", settings.users_file), ("token", settings.token_file)) if file],
        pictures=settings.pictures and may_see,
        browser_camera=settings.browser_camera and may_see,
        cameras_editable=settings.cameras_file is not None and may_change,
        version=ferstream_version(),
    )


def describe(connection: HTTPConnection, access: Access) -> dict[str, Any]:
    """That of whoever is at the other end of a connection, as JSON has it."""
    person = person_of(connection)
    found: dict[str, Any] = msgspec.to_builtins(session_of(person, access.csrf(connection, person), access.settings))
    return found
