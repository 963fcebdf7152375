"""Who may do what on the page: everything that decides it, behind one object.

Other rooms need `require(connection, role)` and `Person`, and find them here.
"""

import hmac
import secrets

from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.access.addresses import (
    SAFE_METHODS,
    Addresses,
    check_fetched_here,
    is_of_a_program,
    network_of,
)
from ferstream.consumer.dashboard.access.people.proxy import TrustedProxy
from ferstream.consumer.dashboard.access.people.token import Token
from ferstream.consumer.dashboard.access.people.users import Users
from ferstream.consumer.dashboard.access.people.users_file import User
from ferstream.consumer.dashboard.access.person import Person, Role, person_of, require
from ferstream.consumer.dashboard.access.rate_limits import RateLimits
from ferstream.consumer.dashboard.access.refusal import Refusal
from ferstream.consumer.dashboard.access.session import CSRF_HEADER, BrowserSession, fingerprint_of
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import read_secret

__all__ = ["Access", "Person", "Role", "person_of", "require"]

#: Everybody, where nobody has to log in.
LOCAL = Person("local", "admin")
#: Characters of a secret that signs cookies.
SHORTEST_SECRET = 32


class Access:
    """Tells who is at the other end of a connection, and whether it may ask what it asks. One a process."""

    def __init__(self, settings: DashboardSettings) -> None:
        """Reads the files. Raises FerstreamError where one cannot be used, ValueError where an address is none."""
        self.settings = settings
        self.users = Users(settings.users_file) if settings.users_file else None
        self.token = Token(settings.token_file, settings.token_role) if settings.token_file else None
        self.proxy = TrustedProxy.of(settings.proxy_header, settings.trusted_proxies) if settings.trusted_proxies else None
        self.addresses = Addresses.of(settings.host, settings.origins)
        self.limits = RateLimits()
        self.secret = _secret(settings)

    def address(self, connection: HTTPConnection) -> str:
        """Where the browser is: what a trusted proxy says of it, else the other end of the connection."""
        peer = connection.client.host if connection.client else ""
        return (self.proxy.visitor(connection) if self.proxy else None) or peer

    def is_proxy(self, address: str) -> bool:
        """Whether a trusted proxy is there."""
        return self.proxy is not None and self.proxy.is_at(address)

    def network(self, connection: HTTPConnection) -> str:
        """What the sender is counted by."""
        return network_of(self.address(connection))

    async def identify(self, connection: HTTPConnection) -> tuple[Person | None, bool]:
        """Who it is, and whether a bearer's token says so, which no browser sends by itself. Raises Refusal."""
        if self.token and (given := _bearer(connection)) is not None:
            return await self.by_token(connection, given), True
        return self.known(connection), False

    def known(self, connection: HTTPConnection) -> Person | None:
        """Whom a proxy or the session names now; may be asked again and again while a connection lasts. Raises Refusal."""
        if self.settings.is_open:
            return LOCAL
        return (self.proxy.person(connection, self.users) if self.proxy else None) or self._by_session(connection)

    async def by_token(self, connection: HTTPConnection, given: str) -> Person:
        """Whoever has the token. Raises Refusal."""
        if self.token is None or not self.token.is_right(given):
            await self.limits.wrong_token(self.network(connection))
            raise Refusal(401, "token", "this token is wrong")
        return self.token.person

    def log_in(self, session: BrowserSession, user: User) -> None:
        """Give the session to a user whose password was right."""
        session.log_in("user", user.name, fingerprint_of(self.secret, user.password_hash or ""))

    def log_in_by_token(self, session: BrowserSession) -> None:
        """Give the session to whoever came with the token."""
        if self.token is not None:
            session.log_in("token", self.token.person.name, fingerprint_of(self.secret, self.token.value))

    def csrf(self, connection: HTTPConnection, person: Person | None) -> str:
        """The word that requests of this person must carry. Where no cookie says who it is, there is one for each name.

        A page of another site can read neither, and may not send the header that holds it.
        """
        return BrowserSession(connection).csrf or fingerprint_of(self.secret, f"csrf {person.name if person else ''}")

    def check_unsafe(self, connection: HTTPConnection, person: Person | None, *, bearer: bool) -> None:
        """Raises Refusal where a page of somebody else's may have made the browser ask for a change, or open a WebSocket.

        What no browser sent needs no word where nobody logs in, and a bearer's token elsewhere.
        """
        if bearer:
            return
        websocket = connection.scope["type"] == "websocket"
        if not websocket and connection.scope["method"] in SAFE_METHODS:
            check_fetched_here(connection)
            return
        if not websocket and is_of_a_program(connection):
            if self.settings.is_open:  # it listens on loopback, and the Host was one of ours
                return
            raise Refusal(403, "origin", "a program needs a token: --token-file of the server, sent as `Authorization: Bearer`")
        self.addresses.check_origin(connection)
        given = connection.headers.get(CSRF_HEADER, "").encode()
        if not websocket and not hmac.compare_digest(given, self.csrf(connection, person).encode()):
            raise Refusal(403, "csrf", "the header X-CSRF-Token must hold the `csrf` that GET /api/session answered last")

    def _by_session(self, connection: HTTPConnection) -> Person | None:
        """Whom the cookie names, as long as they log in with what they logged in with then."""
        session = BrowserSession(connection)
        way, name, fingerprint = session.login
        if not way or session.is_older_than(self.settings.session_s):
            return None
        if way == "token" and self.token:
            return self.token.person if fingerprint == fingerprint_of(self.secret, self.token.value) else None
        user = self.users.get(name) if way == "user" and self.users else None
        if user and user.password_hash and fingerprint == fingerprint_of(self.secret, user.password_hash):
            return Person(user.name, user.role)
        return None


def _bearer(connection: HTTPConnection) -> str | None:
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def _secret(settings: DashboardSettings) -> str:
    if settings.secret_file is None:
        return secrets.token_urlsafe(32)
    secret = read_secret(settings.secret_file, "the secret that signs cookies")
    if len(secret) < SHORTEST_SECRET:
        raise FerstreamError(f"the secret that signs cookies must have at least {SHORTEST_SECRET} characters")
    return secret
