"""Names of files and errors of libraries as text on one line, for logs, messages, JSON and Parquet."""

import os
from pathlib import Path

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def as_text(name: str | Path) -> str:
    """A name as valid UTF-8 on one line: bytes that are no UTF-8, and control characters, become backslash escapes."""
    try:
        text = os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair, which no file's name has but an array may
        text = str(name).encode("utf-8", "backslashreplace").decode()
    return text.translate(_CONTROLS)


def is_text(name: str) -> bool:
    """Whether the bytes of a name are UTF-8."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def first_line(error: Exception) -> str:
    """The first line of an error's text, or its kind where it has none; torch's go on for pages."""
    return (str(error) or type(error).__name__).splitlines()[0]
