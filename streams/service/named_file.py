"""Files that people name: read whole, however odd they are. And how such a name is shown."""

import errno
import os
import select
from pathlib import Path

from ferstream.streams.errors import FerstreamError

#: The cameras of a large fleet are a few megabytes; a text that is larger is something else: a video, /dev/zero.
LARGEST_TEXT = 16 * 1024 * 1024
#: Seconds to wait for the first byte of a pipe.
PATIENCE_S = 5.0

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


class NamedFileError(FerstreamError):
    """A file cannot be read."""


def read_bytes(path: Path, largest: int) -> bytes:
    """All of a file, or of a pipe such as a shell's <(...): of `largest` bytes at most, and not waited for without an end.

    Raises NamedFileError.
    """
    try:
        data = _read(path, largest + 1)
    except OSError as error:
        raise NamedFileError(f"cannot read {as_text(path)}: {error.strerror}") from None
    except ValueError:  # a zero byte, or half of a surrogate pair
        raise NamedFileError(f"cannot read {as_text(path)}: no file can have this name") from None
    if len(data) > largest:
        raise NamedFileError(f"cannot read {as_text(path)}: it is larger than {largest} bytes")
    return data


def read_text(path: Path) -> str:
    """All of a file, as text. Raises NamedFileError."""
    try:
        return read_bytes(path, LARGEST_TEXT).decode("utf-8")
    except UnicodeDecodeError:
        raise NamedFileError(f"cannot read {as_text(path)}: it is not UTF-8 text") from None


def read_secret(path: Path, what: str) -> str:
    """The first line of a file, which holds `what`. Raises NamedFileError, also where it is empty."""
    line, _, _ = read_text(path).strip().partition("\n")
    if not line:
        raise NamedFileError(f"{as_text(path)} is empty: its first line must be {what}")
    return line.rstrip()


def as_text(name: str | Path) -> str:
    """A name as valid UTF-8 on one line: bytes that are no UTF-8, and control characters, become backslash escapes."""
    try:
        text = os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair, which no file's name has but an array may
        text = str(name).encode("utf-8", "backslashreplace").decode()
    return text.translate(_CONTROLS)


def _read(path: Path, most: int) -> bytes:
    # Not to wait for a pipe's writer where it is opened: that would be for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        readable = select.poll()
        readable.register(descriptor, select.POLLIN)
        if not readable.poll(PATIENCE_S * 1000):
            raise OSError(errno.ETIMEDOUT, f"nothing came out of it within {PATIENCE_S:g} s")
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)
