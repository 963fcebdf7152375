"""A secret that lets one in without a name: in a file, for programs and for a first look."""

import hmac
from pathlib import Path

from ferstream.consumer.dashboard.access.person import Person, Role
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import as_text, read_secret

#: What it is called where names of people are shown.
TOKEN_NAME = "token"
#: Characters: what a program drew cannot be guessed, a word can.
SHORTEST = 20


class Token:
    """The first line of a file, and what it lets one do."""

    def __init__(self, path: Path, role: Role) -> None:
        """Raises FerstreamError where the file cannot be read, or the token could be guessed."""
        self.value = read_secret(path, "the token")
        if len(self.value) < SHORTEST or not self.value.isascii() or not self.value.isprintable() or " " in self.value:
            raise FerstreamError(
                f"the token in {as_text(path)} must be at least {SHORTEST} ASCII letters and digits without spaces: "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))' draws one"
            )
        self.person = Person(TOKEN_NAME, role)

    def is_right(self, given: str) -> bool:
        """Compares in a time that says nothing of how much of it was right."""
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.value.encode())
