"""GET /api/session, POST /api/login and POST /api/logout."""

import logging
from dataclasses import dataclass

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ferstream.consumer.dashboard.access.access import Access, person_of
from ferstream.consumer.dashboard.access.people.names import is_name
from ferstream.consumer.dashboard.access.people.passwords import LONGEST_PASSWORD
from ferstream.consumer.dashboard.access.person import Person
from ferstream.consumer.dashboard.access.refusal import Refusal, count_refusal
from ferstream.consumer.dashboard.access.session import BrowserSession
from ferstream.streams.service.metrics import ferstream_version

log = logging.getLogger(__name__)

#: Bytes of a login's body.
LARGEST_BODY = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What this server offers at all, whoever asks."""

    pictures: bool = True
    browser_camera: bool = True
    cameras_editable: bool = False


class _Login(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    password: str = ""
    token: str = ""


class SessionRoutes:
    """The three endpoints, and what a WebSocket says first."""

    def __init__(self, access: Access, features: Features) -> None:
        self._access = access
        self._features = features

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/session", self._session, methods=["GET"]),
            Route("/api/login", self._log_in, methods=["POST"]),
            Route("/api/logout", self._log_out, methods=["POST"]),
        ]

    def describe(self, connection: HTTPConnection) -> dict[str, object]:
        """The session as /api/session answers it: who it is, and what there is for them here."""
        return self._describe(person_of(connection), BrowserSession(connection))

    def _describe(self, person: Person | None, session: BrowserSession) -> dict[str, object]:
        access, features = self._access, self._features
        may_see, may_change = person is not None and person.may("viewer"), person is not None and person.may("admin")
        return {
            "name": person.name if person else None,
            "role": person.role if person else None,
            "csrf": session.csrf(),
            "login": not access.settings.is_open,
            "logins": [name for name, there in (("password", access.users), ("token", access.token)) if there is not None],
            "pictures": features.pictures and may_see,
            "browser_camera": features.browser_camera and may_see,
            "cameras_editable": features.cameras_editable and may_change,
            "version": ferstream_version(),
        }

    async def _session(self, request: Request) -> Response:
        return JSONResponse(self.describe(request))

    async def _log_in(self, request: Request) -> Response:
        session = BrowserSession(request)
        try:
            person = await self._person(request, _login(await _body(request)), session)
        except Refusal as refusal:
            count_refusal(refusal.reason)
            log.info("a login from %s was refused: %s", self._access.address(request), refusal)
            headers = {"Retry-After": str(refusal.retry_after_s)} if refusal.retry_after_s is not None else None
            return JSONResponse({"error": str(refusal)}, refusal.status, headers)
        log.info("%s logged in from %s", person.name, self._access.address(request))
        return JSONResponse(self._describe(person, session))

    async def _person(self, request: Request, login: _Login, session: BrowserSession) -> Person:
        access = self._access
        if login.token:
            person = await access.by_token(request, login.token)
            access.log_in_by_token(session)
            return person
        # What is no name could stand in no file: it is counted as one, so that nobody fills the memory with names.
        await access.limits.login(access.network(request), login.name if is_name(login.name) else "")
        user = await access.users.log_in(login.name, login.password) if access.users else None
        if user is None:
            raise Refusal(401, "login", "name or password is wrong")
        access.log_in(session, user)
        return Person(user.name, user.role)

    async def _log_out(self, request: Request) -> Response:
        session = BrowserSession(request)
        session.log_out()
        return JSONResponse(self._describe(self._access.known(request), session))


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise Refusal(413, "body", f"a login has at most {LARGEST_BODY} bytes")
    return body


def _login(body: bytes) -> _Login:
    try:
        login = msgspec.json.decode(body, type=_Login)
    except (msgspec.DecodeError, ValueError, RecursionError):  # its own text may quote the body
        raise Refusal(400, "body", 'a login is {"name": ..., "password": ...} or {"token": ...}') from None
    if len(login.password) > LONGEST_PASSWORD:
        raise Refusal(400, "body", f"a password has at most {LONGEST_PASSWORD} characters")
    return login
