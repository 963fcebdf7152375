"""Who looks at the page, and what they may see."""

from dataclasses import dataclass
from typing import Literal, get_args

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection

from ferstream.consumer.dashboard.access.refusal import count_refusal

#: Each may what those before it may: a watcher sees results without pictures, an admin changes cameras too.
Role = Literal["watcher", "viewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
#: What a WebSocket is closed with where somebody may not have it (RFC 6455, 7.4.1).
POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was let in."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this person may what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


def person_of(connection: HTTPConnection) -> Person | None:
    """Whom the middleware let in; None where nobody is logged in, which only paths for nobody meet."""
    person = connection.scope.get("state", {}).get("person")
    return person if isinstance(person, Person) else None


def require(connection: HTTPConnection, role: Role) -> Person:
    """The person of a request or a WebSocket, who may what `role` may.

    Raises HTTPException 401 or 403; of a WebSocket WebSocketException, before `accept` an HTTP answer 403.
    """
    person = person_of(connection)
    if person is not None and person.may(role):
        return person
    count_refusal("role" if person else "nobody")
    said = f"this needs the role {role}, and {person.name} is {person.role}" if person else "log in first"
    if connection.scope["type"] == "websocket":
        raise WebSocketException(POLICY_VIOLATION, said)
    raise HTTPException(403 if person else 401, said)
