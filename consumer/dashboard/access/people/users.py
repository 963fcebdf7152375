"""The users of a running server: read again when their file changes."""

import asyncio
import logging
import os
from pathlib import Path

from ferstream.consumer.dashboard.access.people.passwords import PasswordChecker, hash_password, is_outdated
from ferstream.consumer.dashboard.access.people.users_file import User, UsersError, read_users, replace_hash
from ferstream.streams.service.atomic_file import WriteError
from ferstream.streams.service.named_file import as_text

log = logging.getLogger(__name__)


class Users:
    """People by name, out of a file. Who is taken out of it is out at once, without a restart."""

    def __init__(self, path: Path) -> None:
        """Raises UsersError."""
        self._path = path
        self._stamp = _stamp(path)
        self._users = read_users(path)
        self._checker = PasswordChecker()

    def get(self, name: str) -> User | None:
        """Who is called so in the file as it is now."""
        self._refresh()
        return self._users.get(name)

    def __len__(self) -> int:
        return len(self._users)

    async def log_in(self, name: str, password: str) -> User | None:
        """The user, where the password is theirs. A wrong name takes as long as a wrong password. Raises Refusal."""
        user = self.get(name)
        if not await self._checker.check(user.password_hash if user else None, password):
            return None
        if user and user.password_hash and is_outdated(user.password_hash):
            return await asyncio.to_thread(self._renewed, user, password)
        return user

    def _renewed(self, user: User, password: str) -> User:
        """The user with a hash of today's parameters, in the file too; as it is where that cannot be written."""
        try:
            renewed = replace_hash(self._path, user, hash_password(password))
        except (UsersError, WriteError) as error:
            log.info("the password of %s stays hashed with other parameters than are usual now: %s", user.name, error)
            return user
        log.info("the password of %s is hashed with the parameters that are usual now", user.name)
        return renewed

    def _refresh(self) -> None:
        """Read a file that changed; one with a mistake in it leaves everybody as they were, and the log says so once."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._users = read_users(self._path)
        except UsersError as error:
            log.error("users stay as they were: %s", error)  # noqa: TRY400 - one line for a person, not a traceback
            return
        log.info("%s was read again: users: %d", as_text(self._path), len(self._users))


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with the file; of a file that cannot be seen nothing."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the same as Path.stat, which makes an object more at each request
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
