"""users.yaml: who may look. Every mistake in it is one line that names the person and the line, and shows no hash.

users:
  ana:
    role: viewer
    password: $argon2id$v=19$m=65536,t=3,p=4$...   # by `fer-dashboard user add`; without one, for a proxy that knows ana
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ferstream.consumer.dashboard.access.people.names import is_name
from ferstream.consumer.dashboard.access.people.passwords import is_hash
from ferstream.consumer.dashboard.access.person import ROLES, Role
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import alone_in, sync_directory, whole_file
from ferstream.streams.service.named_file import NamedFileError, as_text, read_text

#: Its owner's alone: whoever reads hashes can try passwords at home.
MODE = 0o600
_HEAD = "# Who may look at the page of fer-dashboard; passwords as argon2 hashes, which `fer-dashboard user add` writes.\n"
_WHOLE = "it must hold `users:` with a name and a role each, as `fer-dashboard user add` writes them"


class UsersError(FerstreamError):
    """The users file cannot be used; the text names the file, the line and what is wrong there."""


@dataclass(frozen=True, slots=True)
class User:
    """A line of the file. Without a hash nobody logs in by this name; a trusted proxy may bring it all the same."""

    name: str
    role: Role
    password_hash: str | None


def read_users(path: Path) -> dict[str, User]:
    """All users by name. Raises UsersError."""
    return {user.name: user for user in _users(_load(path), path)}


def put_user(path: Path, user: User) -> None:
    """Add a user, or put this in the place of the one of this name; comments stay, and a file that is missing is made.

    Raises UsersError, WriteError.
    """
    with alone_in(path.parent):
        root = _load(path) if path.exists() else CommentedMap()
        list(_users(root, path))  # nothing is added to a file with mistakes
        if root.get("users") is None:
            root["users"] = CommentedMap()
        entry = root["users"].setdefault(user.name, CommentedMap())
        entry["role"] = user.role
        if user.password_hash is None:
            entry.pop("password", None)
        else:
            entry["password"] = user.password_hash
        _write(path, root)


def replace_hash(path: Path, user: User, password_hash: str) -> User:
    """The user with another hash, in the file too, unless the password has changed there meanwhile.

    Raises UsersError, WriteError.
    """
    with alone_in(path.parent):
        root = _load(path)
        if user not in _users(root, path):
            return user
        root["users"][user.name]["password"] = password_hash
        _write(path, root)
    return replace(user, password_hash=password_hash)


def remove_user(path: Path, name: str) -> bool:
    """Take a user out; says whether there was one of this name. Raises UsersError, WriteError."""
    with alone_in(path.parent):
        root = _load(path)
        there = any(user.name == name for user in _users(root, path))
        if there:
            del root["users"][name]
            _write(path, root)
    return there


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 1000  # a hash is one word, and stays on its line
    yaml.preserve_quotes = True
    return yaml


def _load(path: Path) -> CommentedMap:
    try:
        root = _yaml().load(read_text(path))
    except NamedFileError as error:
        raise UsersError(str(error)) from None
    except MarkedYAMLError as error:  # its own text quotes the file
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsersError(f"{as_text(path)}, line {line}: this is no YAML, or a name stands there twice") from None
    except (YAMLError, ValueError, RecursionError):
        raise UsersError(f"{as_text(path)} is no YAML: {_WHOLE}") from None
    if root is None:
        return CommentedMap()
    if not isinstance(root, CommentedMap):
        raise UsersError(f"{as_text(path)}, line 1: {_WHOLE}")
    return root


def _users(root: CommentedMap, path: Path) -> Iterator[User]:
    for key in root:
        if key != "users":
            raise UsersError(f"{_place(path, root, key)}: unknown key {_shown(key)}; {_WHOLE}")
    entries = root.get("users")
    if entries is None:
        return
    if not isinstance(entries, CommentedMap):
        raise UsersError(f"{_place(path, root, 'users')}: {_WHOLE}")
    for name, entry in entries.items():
        yield _user(name, entry, _place(path, entries, name))


def _user(name: object, entry: object, place: str) -> User:
    if not isinstance(name, str) or not is_name(name):
        raise UsersError(f"{place}: a name must be text of 1 to 100 letters that can be shown: quote a number")
    if not isinstance(entry, CommentedMap):
        raise UsersError(f"{place}: {name} needs a role: one of {', '.join(ROLES)}")
    if unknown := [key for key in entry if key not in ("role", "password")]:
        raise UsersError(f"{place}: {name}: unknown key {_shown(unknown[0])}: there are role and password")
    role, password = entry.get("role"), entry.get("password")
    if role not in ROLES:
        raise UsersError(f"{place}: {name}: role must be one of {', '.join(ROLES)}")
    if password is not None and not (isinstance(password, str) and is_hash(password)):
        raise UsersError(f"{place}: {name}: password must be a hash of argon2: `fer-dashboard user add` writes it")
    return User(str(name), role, password if password is None else str(password))


def _place(path: Path, node: CommentedMap, key: object) -> str:
    lines = node.lc.data or {}  # a key that came by a YAML merge has none
    return f"{as_text(path)}, line {lines.get(key, (0,))[0] + 1}"


def _shown(key: object) -> str:
    """A key, which may be a password that stands at the wrong place."""
    return key if isinstance(key, str) and key.isidentifier() and len(key) <= 20 else "(not shown)"


def _write(path: Path, root: CommentedMap) -> None:
    text, path = BytesIO(), path.resolve()  # a link stays one
    _yaml().dump(root, text)
    before = path.stat() if path.exists() else None
    with whole_file(path, MODE) as file:
        os.fchmod(file.fileno(), MODE)  # a part that somebody left may have been open to anybody
        if before is not None:
            with suppress(PermissionError):  # root changes the file of the server's user, who still has to read it
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
        file.write((b"" if before else _HEAD.encode()) + text.getvalue())
    sync_directory(path.parent)
