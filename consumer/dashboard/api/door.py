"""Who is at the other end of a connection, as the API needs to know it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection


@dataclass(frozen=True, slots=True)
class Door:
    """`describe` gives the session of a connection, with `pictures` true where it may see them; `looks` notes at whose."""

    describe: Callable[[HTTPConnection], dict[str, Any]]
    looks: Callable[[HTTPConnection, Iterable[str]], Awaitable[None]]

    def may_see_pictures(self, connection: HTTPConnection) -> bool:
        return bool(self.describe(connection)["pictures"])

    def need_pictures(self, connection: HTTPConnection) -> None:
        """Raises HTTPException where nobody, or not this person, is shown pictures."""
        if not self.may_see_pictures(connection):
            raise HTTPException(403, "pictures are for the role viewer, on a server that shows any (--pictures)")
