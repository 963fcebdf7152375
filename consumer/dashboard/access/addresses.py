"""Where a request comes from and what it was sent to: hosts, origins, and the address that its sender is counted by."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.access.refusal import Refusal

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
#: Methods that change nothing (RFC 9110, 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses that this server may be called by. `hosts` None: by any."""

    hosts: frozenset[str] | None
    origins: frozenset[str]

    @classmethod
    def of(cls, host: str, origins: Sequence[str]) -> "Addresses":
        """For a server that listens on `host`, whose page may also be at `origins`. Raises ValueError where one is no origin.

        On loopback a page of somebody else's must not reach us under a name of its own that it lets point here (DNS rebinding).
        Elsewhere any name will do: under a wrong one there is no session.
        """
        ours = frozenset(_origin(origin) for origin in origins)
        if not is_loopback(host):
            return cls(None, ours)
        named = {name for origin in ours if (name := hostname(origin))}
        return cls(_LOOPBACK | {host.lower().strip("[]")} | named, ours)

    def check_host(self, connection: HTTPConnection) -> None:
        """Raises Refusal where the request was not sent to us."""
        hosts = connection.headers.getlist("host")
        name = hostname(f"//{hosts[0]}") if len(hosts) == 1 else None
        if not name or (self.hosts is not None and name not in self.hosts):
            raise Refusal(
                400, "host", "this address is not known here: use the one that fer-dashboard printed, or start it with --origin"
            )

    def check_origin(self, connection: HTTPConnection) -> None:
        """Raises Refusal where a page of another origin made the browser ask; a WebSocket of a program may have none."""
        origins = connection.headers.getlist("origin")
        if not origins and connection.scope["type"] == "websocket":  # no browser leaves it out (RFC 6455, 10.2)
            return
        if len(origins) != 1 or not self._is_ours(origins[0], connection):
            raise Refusal(
                403, "origin", "a page of another address asked for this: if it is yours, start fer-dashboard with --origin"
            )

    def is_encrypted(self, connection: HTTPConnection) -> bool:
        """Whether the browser asked by TLS: us, or, as far as its request tells, a proxy that takes it off."""
        if connection.scope["scheme"] in ("https", "wss"):
            return True
        if origin := connection.headers.get("origin"):
            return origin.startswith("https://")
        try:
            return _origin(f"https://{connection.headers.get('host', '')}") in self.origins
        except ValueError:
            return False

    def _is_ours(self, origin: str, connection: HTTPConnection) -> bool:
        try:
            given = _origin(origin)
        except ValueError:
            return False
        # Before us may be a proxy that takes the TLS off: the scheme says nothing then.
        scheme, _, place = given.partition("://")
        here = f"{scheme}://{connection.headers.get('host', '')}"
        secure = connection.scope.get("scheme") in ("https", "wss")
        try:
            return given in self.origins or (given == _origin(here) and (scheme == "https" or not secure) and bool(place))
        except ValueError:
            return False


def is_of_a_program(connection: HTTPConnection) -> bool:
    """Whether no browser sent it: one tells the origin of what changes something (Fetch, 3.2), and more besides."""
    tells = ("origin", "cookie", "referer")
    return not any(name in tells or name.startswith("sec-fetch-") for name in connection.headers)


def check_fetched_here(connection: HTTPConnection) -> None:
    """Raises Refusal where a page of another origin fetches or shows what is under /api (W3C, Fetch Metadata).

    Where nobody has to log in, it would else make pictures be taken.
    """
    if connection.scope["path"].startswith("/api/") and connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Refusal(403, "origin", "a page of another address may not ask for this")


def network_of(address: str) -> str:
    """What one sender is counted by: an IPv4 address, or the /64 of an IPv6 one, of which each has 2 to the 64."""
    try:
        parsed = plain_address(address)
    except ValueError:
        return "unknown"
    return f"{int(parsed) >> 64:x}::/64" if isinstance(parsed, IPv6Address) and not parsed.is_loopback else str(parsed)


def plain_address(text: str) -> IPv4Address | IPv6Address:
    """An address; one of IPv4 that came over a socket of IPv6 as what it is. Raises ValueError."""
    parsed = ip_address(text)
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def _origin(text: str) -> str:
    """scheme://host:port, without the port that is the scheme's own. Raises ValueError."""
    parts = urlsplit(text)
    more = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(more):
        raise ValueError("an origin is scheme, host and port alone, as https://faces.example.org")
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}"


def hostname(address: str) -> str | None:
    """Of an address with two slashes; None where it has none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
