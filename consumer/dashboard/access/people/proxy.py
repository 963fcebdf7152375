"""A proxy before the server that says where a visitor is, and may have asked who it is: believed from its own address only."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.access.addresses import plain_address
from ferstream.consumer.dashboard.access.people.names import is_name
from ferstream.consumer.dashboard.access.people.users import Users
from ferstream.consumer.dashboard.access.person import Person, Role
from ferstream.consumer.dashboard.access.refusal import Refusal

Network = IPv4Network | IPv6Network
#: The role of somebody whom the users file does not name.
STRANGERS_ROLE: Role = "viewer"


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """The header with the name, where there is one, and the addresses that may send it."""

    header: str | None
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, header: str | None, addresses: Sequence[str]) -> "TrustedProxy":
        """Raises ValueError where an address is none, nor a network as 10.0.0.0/24."""
        return cls(header and header.lower(), tuple(ip_network(address) for address in addresses))

    def is_peer(self, connection: HTTPConnection) -> bool:
        """Whether the connection comes from the proxy."""
        return self.is_at(connection.client.host if connection.client else "")

    def is_at(self, address: str) -> bool:
        """Whether the proxy has this address."""
        try:
            peer = plain_address(address)
        except ValueError:  # a socket without an address
            return False
        return any(peer in network for network in self.networks)

    def person(self, connection: HTTPConnection, users: Users | None) -> Person | None:
        """Whom the header names; None without it. Raises Refusal where somebody else sent it, or it names nobody."""
        names = connection.headers.getlist(self.header) if self.header else []
        if not names:
            return None
        if not self.is_peer(connection):
            raise Refusal(403, "proxy", f"the header {self.header} is believed from the proxy only")
        if len(names) > 1 or not is_name(names[0]):  # a proxy that adds its header to that of a visitor tells two names
            raise Refusal(403, "proxy", f"the proxy must send one name in {self.header}")
        user = users.get(names[0]) if users else None
        return Person(names[0], user.role if user else STRANGERS_ROLE)

    def visitor(self, connection: HTTPConnection) -> str | None:
        """The address that the proxy says it was asked from, the last in X-Forwarded-For; None where it does not."""
        forwarded = ",".join(connection.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
        try:
            return str(plain_address(forwarded)) if self.is_peer(connection) else None
        except ValueError:
            return None
