"""Passwords: hashed with argon2id, checked in a thread, a few at a time."""

import asyncio
import logging

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from ferstream.consumer.dashboard.access.refusal import Refusal

log = logging.getLogger(__name__)

#: Characters of a password. The longest is hashed as fast as the shortest; it only bounds what is sent.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024
#: Checks at once: each takes a core and the 64 MiB that argon2 asks for.
AT_ONCE = 2
#: Checks that may wait for their turn.
MOST_WAITING = 16

_HASHER = PasswordHasher()
#: A hash of nothing that anybody knows, so that a wrong name takes as long as a wrong password.
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$l2+cMknEKT2gdtPiIqVoPw$hn5kyMXC1BNi8MutdOQAMgGivtBmHAV9YY8gEIu45eY"


def hash_password(password: str) -> str:
    """Its hash, with a salt and the parameters of argon2-cffi (RFC 9106, low memory)."""
    return _HASHER.hash(password)


def is_hash(text: str) -> bool:
    """Whether it is a hash of argon2."""
    try:
        extract_parameters(text)
    except InvalidHashError:
        return False
    return True


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than are usual now."""
    return _HASHER.check_needs_rehash(password_hash)


class PasswordChecker:
    """Checks passwords without holding the event loop up. One a process."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def check(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right; never where there is no hash, which takes as long. Raises Refusal where many wait."""
        if self._waiting >= MOST_WAITING:
            raise Refusal(503, "busy", "too many people log in at once: try again in a few seconds", retry_after_s=3)
        self._waiting += 1
        try:
            async with self._turns:
                right = await asyncio.to_thread(_is_right, password_hash or _NOBODYS, password)
        finally:
            self._waiting -= 1
        return right and password_hash is not None


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except VerifyMismatchError:
        return False
    except (VerificationError, InvalidHashError) as error:  # no memory for it, say: nobody is let in, and the log says why
        log.warning("a password could not be checked: %s", error)
        return False
