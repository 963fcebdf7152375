"""One thing that is wrong with a deployment, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

#: So many of one kind are told one by one.
MOST = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and what to do. Neither holds a password, nor what steers a terminal.

    `topic` names its kind: an entry of consumer/deployment/topics.py.
    """

    what: str
    do: str
    topic: str

    def __str__(self) -> str:
        return f"{self.what}: {self.do}"


def names_of(names: Sequence[str]) -> str:
    """The first of them."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def quoted(names: Sequence[str]) -> list[str]:
    """As names stand in a sentence that they are no part of."""
    return [f"'{name}'" for name in names]


def counted(word: str, names: Sequence[str]) -> str:
    """`camera door`, or `2 cameras (door, yard)`."""
    return f"{word} {names[0]}" if len(names) == 1 else f"{len(names)} {word}s ({names_of(names)})"


def prefixed(prefix: str) -> str:
    """The option that names a prefix, where it is not the usual one."""
    return "" if prefix == "fer" else f" --prefix {prefix}"
