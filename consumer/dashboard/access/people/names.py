"""Names of people, as they may stand in a users file, a cookie and a header."""

#: Characters of the longest.
LONGEST_NAME = 100


def is_name(name: str) -> bool:
    """Whether it can be shown on one line as it is: printable, with no space at its ends, neither empty nor long."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()
