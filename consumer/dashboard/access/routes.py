"""GET /api/session, POST /api/login and POST /api/logout."""

import logging

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ferstream.consumer.dashboard.access.access import Access
from ferstream.consumer.dashboard.access.page_session import PageSession, session_of
from ferstream.consumer.dashboard.access.people.names import is_name
from ferstream.consumer.dashboard.access.people.passwords import LONGEST_PASSWORD
from ferstream.consumer.dashboard.access.person import Person, person_of
from ferstream.consumer.dashboard.access.refusal import Refusal, count_refusal
from ferstream.consumer.dashboard.access.session import BrowserSession
from ferstream.consumer.dashboard.api.answer import error_answer, json_answer
from ferstream.consumer.dashboard.api.describe import described

log = logging.getLogger(__name__)

#: Bytes of a login's body.
LARGEST_BODY = 8192


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """A name and a password, or a token."""

    name: str = ""
    password: str = ""
    token: str = ""


def routes(access: Access) -> list[BaseRoute]:
    """All three."""
    sessions = _SessionApi(access)
    return [
        Route("/api/session", sessions.session, methods=["GET"]),
        Route("/api/login", sessions.log_in, methods=["POST"]),
        Route("/api/logout", sessions.log_out, methods=["POST"]),
    ]


class _SessionApi:
    def __init__(self, access: Access) -> None:
        self._access = access

    @described("Who asks, and what there is for them here.", PageSession)
    async def session(self, request: Request) -> Response:
        return self._answer(request, person_of(request))

    @described("Log in: the session goes into a cookie.", PageSession, body=Login, wrong=(400, 401, 403, 413, 429, 503))
    async def log_in(self, request: Request) -> Response:
        try:
            person = await self._person(request, _login(await _body(request)))
        except Refusal as refusal:
            count_refusal(refusal.reason)
            log.info("a login from %s was refused: %s", self._access.address(request), refusal)
            return error_answer(refusal.status, str(refusal), refusal.headers)
        log.info("%s logged in from %s", person.name, self._access.address(request))
        return self._answer(request, person)

    @described("Log out.", PageSession, wrong=(403,))
    async def log_out(self, request: Request) -> Response:
        BrowserSession(request).log_out()
        return self._answer(request, self._access.known(request))

    def _answer(self, request: Request, person: Person | None) -> Response:
        return json_answer(session_of(person, self._access.csrf(request, person), self._access.settings))

    async def _person(self, request: Request, login: Login) -> Person:
        access, session = self._access, BrowserSession(request)
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


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise Refusal(413, "body", f"a login has at most {LARGEST_BODY} bytes")
    return body


def _login(body: bytes) -> Login:
    try:
        login = msgspec.json.decode(body, type=Login)
    except (msgspec.DecodeError, ValueError, RecursionError):  # its own text may quote the body
        raise Refusal(400, "body", 'a login is {"name": ..., "password": ...} or {"token": ...}') from None
    if len(login.password) > LONGEST_PASSWORD:
        raise Refusal(400, "body", f"a password has at most {LONGEST_PASSWORD} characters")
    return login
