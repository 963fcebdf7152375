"""What the signed cookie of a browser says: who logged in and how, and the word that its requests carry (CSRF)."""

import hmac
import secrets
import time
from typing import Any, Literal

from starlette.requests import HTTPConnection

CSRF_HEADER = "x-csrf-token"

Way = Literal["user", "token"]


class BrowserSession:
    """The session of a connection; Starlette signs it and hands it out anew where it was changed.

    `fingerprint` is of what was logged in with: when that changes, the session is nobody's any more.
    """

    def __init__(self, connection: HTTPConnection) -> None:
        self._kept: dict[str, Any] = connection.scope["session"]

    @property
    def login(self) -> tuple[str, str, str]:
        """Way, name and fingerprint; empty where nobody logged in."""
        way, name, fingerprint = (str(self._kept.get(key, "")) for key in ("way", "name", "fingerprint"))
        return way, name, fingerprint

    def is_older_than(self, seconds: float) -> bool:
        """Whether the login was longer ago: a connection may outlast the cookie that it came with."""
        since = self._kept.get("since")
        return not isinstance(since, int) or time.time() - since > seconds

    def log_in(self, way: Way, name: str, fingerprint: str) -> None:
        """From here on it is this person's; whoever knew what it said before knows nothing of it now."""
        self._kept.clear()
        self._kept.update(way=way, name=name, fingerprint=fingerprint, since=int(time.time()), csrf=secrets.token_urlsafe(24))

    def log_out(self) -> None:
        """From here on it is nobody's."""
        self._kept.clear()

    @property
    def csrf(self) -> str:
        """The word of this login; empty where nobody logged in."""
        kept = self._kept.get("csrf")
        return kept if isinstance(kept, str) else ""


def fingerprint_of(secret: str, value: str) -> str:
    """What may stand in a cookie for a hash or a token: it changes with it, and tells nothing of it without the secret."""
    return hmac.digest(secret.encode(), value.encode(), "sha256").hex()[:32]
