"""What stands before every page: an ASGI middleware that lets in, sends to the login, or refuses."""

import asyncio
import time
from contextlib import ExitStack, suppress
from urllib.parse import parse_qsl, quote, urlencode

from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ferstream.consumer.dashboard.access.access import Access
from ferstream.consumer.dashboard.access.headers import SecurityHeaders
from ferstream.consumer.dashboard.access.person import POLICY_VIOLATION, Person
from ferstream.consumer.dashboard.access.refusal import Refusal, count_refusal
from ferstream.consumer.dashboard.access.session import MAX_AGE_S, BrowserSession
from ferstream.consumer.dashboard.api.answer import error_answer

#: Paths that need nobody.
_FREE = frozenset({"/login", "/api/session", "/api/login", "/api/logout", "/healthz", "/readyz", "/favicon.ico"})
_STATIC = "/static/"
_UPLOAD = "/api/analyze"
#: Seconds after which a WebSocket or a stream of a person who may no longer look ends at the latest.
LOOK_AGAIN_S = 5.0
#: The argument of the first address that holds the token.
_TOKEN = "token"


class AccessMiddleware:
    """Puts `scope["state"]["person"]`, and answers 401, 403 or 429 itself: JSON, or for a page the way to /login."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        secure = access.settings.tls_cert is not None
        gate = SessionMiddleware(
            _Gate(app, access),
            secret_key=access.secret,
            # Cookies know no ports: two servers on one machine would log each other's people out.
            session_cookie=f"{'__Host-' if secure else ''}fer_session_{access.settings.port}",
            max_age=MAX_AGE_S,
            same_site="strict",
            https_only=secure,
        )
        self._app = SecurityHeaders(gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Gate:
    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        with ExitStack() as held:
            try:
                answer = await self._admit(connection, held)
            except Refusal as refusal:
                count_refusal(refusal.reason)
                answer = _answer(refusal, connection)
            if answer is not None:
                await answer(scope, receive, send)
            elif (person := scope["state"]["person"]) is None:
                await self._app(scope, receive, send)
            else:
                watched = _Watched(self._access, connection, person, receive, send)
                await self._app(scope, watched.receive, watched.send)

    async def _admit(self, connection: HTTPConnection, held: ExitStack) -> Response | None:
        """None where the request may go on, else what is answered. Raises Refusal."""
        access, scope = self._access, connection.scope
        access.addresses.check_host(connection)
        if (token := _token_of_address(connection)) is not None and access.token:
            await access.by_token(connection, token)
            access.log_in_by_token(BrowserSession(connection))
            return RedirectResponse(_without_token(connection), 303)
        found, bearer = await access.identify(connection)
        scope.setdefault("state", {})["person"] = found
        if found is None and not is_free(scope["path"]):
            raise Refusal(401, "nobody", "log in first: POST /api/login, or send a token as `Authorization: Bearer`")
        access.check_unsafe(connection, found, bearer=bearer)
        network = access.network(connection)
        if scope["type"] == "websocket":
            await access.limits.websocket(network)
            held.enter_context(access.limits.open_websocket(network))
        elif scope["method"] == "POST" and scope["path"] == _UPLOAD:
            await access.limits.upload(network)
        return None


class _Watched:
    """An admitted connection, which ends when its person may no longer look, or has another role."""

    def __init__(self, access: Access, connection: HTTPConnection, person: Person, receive: Receive, send: Send) -> None:
        self._access, self._connection, self._person = access, connection, person
        self._receive, self._send = receive, send
        self._next_look = time.monotonic() + LOOK_AGAIN_S
        self._closed = False

    async def receive(self) -> Message:
        while True:
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + LOOK_AGAIN_S
                if await self._is_gone():
                    return await self._end()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._next_look - time.monotonic()):
                    return await self._receive()

    async def send(self, message: Message) -> None:
        if self._closed:
            raise OSError("the connection was closed")  # what ASGI wants of one that the other side has closed
        await self._send(message)

    async def _is_gone(self) -> bool:
        try:
            found, _ = await self._access.identify(self._connection)
        except Refusal:
            return True
        return found != self._person

    async def _end(self) -> Message:
        if self._connection.scope["type"] == "http":
            return {"type": "http.disconnect"}
        if not self._closed:
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "log in again"})
            self._closed = True
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": "log in again"}


def is_free(path: str) -> bool:
    """Whether it is answered to anybody: what the login page is made of."""
    return path in _FREE or path.startswith(_STATIC)


def _answer(refusal: Refusal, connection: HTTPConnection) -> Response:
    page = connection.scope["type"] == "http" and not connection.scope["path"].startswith("/api/")
    if refusal.status == 401 and page and connection.scope["method"] in ("GET", "HEAD"):
        return RedirectResponse(f"/login?next={quote(_without_token(connection), safe='')}", 303)
    return error_answer(refusal.status, str(refusal), refusal.headers)


def _token_of_address(connection: HTTPConnection) -> str | None:
    """The token in the address of a page; those of /api send it in a header."""
    scope = connection.scope
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith("/api/"):
        return None
    return connection.query_params.get(_TOKEN)


def _without_token(connection: HTTPConnection) -> str:
    """Path and arguments of the address, on this host, without the token: it is to stand in no history."""
    arguments = parse_qsl(connection.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = urlencode([(name, value) for name, value in arguments if name != _TOKEN])
    path = "/" + quote(connection.scope["path"].lstrip("/\\"))  # two slashes would name another host
    return f"{path}?{kept}" if kept else path
