"""What stands before every page: an ASGI middleware that lets in, sends to the login, or refuses."""

import asyncio
from contextlib import ExitStack
from urllib.parse import parse_qsl, quote, urlencode

from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ferstream.consumer.dashboard.access.access import Access
from ferstream.consumer.dashboard.access.headers import SecurityHeaders
from ferstream.consumer.dashboard.access.refusal import Refusal, count_refusal
from ferstream.consumer.dashboard.access.session import BrowserSession
from ferstream.consumer.dashboard.access.watched_connection import WatchedConnection
from ferstream.consumer.dashboard.api.answer import error_answer

#: Paths that need nobody.
_FREE = frozenset({"/login", "/api/session", "/api/login", "/api/logout", "/healthz", "/readyz", "/favicon.ico"})
_STATIC = "/static/"
_UPLOAD = "/api/analyze"
#: The argument of the first address that holds the token.
_TOKEN = "token"


class AccessMiddleware:
    """Puts `scope["state"]["person"]`, and answers 401, 403 or 429 itself: JSON, or for a page the way to /login."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._access = access
        gate = _Gate(app, access)
        self._plain = SecurityHeaders(self._with_sessions(gate, https_only=False))
        self._encrypted = SecurityHeaders(self._with_sessions(gate, https_only=True))

    def _with_sessions(self, gate: ASGIApp, *, https_only: bool) -> ASGIApp:
        settings = self._access.settings
        return SessionMiddleware(
            gate,
            secret_key=self._access.secret,
            # Cookies know no ports: two servers on one machine would log each other's people out.
            session_cookie=f"{'__Host-' if settings.tls_cert else ''}fer_session_{settings.port}",
            max_age=int(settings.session_s),
            same_site="strict",
            https_only=https_only,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_encrypted = scope["type"] != "lifespan" and self._access.addresses.is_encrypted(HTTPConnection(scope))
        await (self._encrypted if is_encrypted else self._plain)(scope, receive, send)


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
                watched = WatchedConnection(self._access, connection, person, receive, send)
                try:
                    await self._app(scope, watched.receive, watched.send)
                except asyncio.CancelledError:  # the server ends, and has waited for this as long as it waits
                    if not watched.answered and scope["type"] == "http":
                        await _ENDS(scope, receive, send)
                    return
                await watched.finish()

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
            raise Refusal(
                401, "nobody", "log in first; a program needs a token: --token-file of the server, as `Authorization: Bearer`"
            )
        access.check_unsafe(connection, found, bearer=bearer)
        network = access.network(connection)
        if scope["type"] == "websocket":
            await access.limits.websocket(network)
            held.enter_context(access.limits.open_websocket(network))
        elif scope["method"] == "POST" and scope["path"] == _UPLOAD:
            await access.limits.upload(network)
        return None


_ENDS = error_answer(503, "this server ends: ask again when it is back", {"Retry-After": "5"})


def is_free(path: str) -> bool:
    """Whether it is answered to anybody: what the login page is made of."""
    return path in _FREE or path.startswith(_STATIC)


def _answer(refusal: Refusal, connection: HTTPConnection) -> Response:
    page = connection.scope["type"] == "http" and not connection.scope["path"].startswith("/api/")
    if refusal.status == 401 and page and connection.scope["method"] in ("GET", "HEAD"):
        wrong = "wrong=token&" if refusal.reason == "token" else ""
        return RedirectResponse(f"/login?{wrong}next={quote(_without_token(connection), safe='')}", 303)
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
