"""Paths that nobody means to give and somebody does: each must end in one line."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Root may read everything.
NOBODY = 65534


def odd_paths(folder: Path) -> dict[str, str]:
    """Odd paths by what is odd about them; what has to be there for that is made in `folder`."""
    (folder / "folder").mkdir()
    (folder / "empty").touch()
    (folder / "noise").write_bytes(bytes(range(256)) * 16)
    (folder / "dangling").symlink_to(folder / "nothing")
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    names = ("nothing", "folder", "empty", "noise", "dangling", "loop", "pipe", "socket", "empty/below")
    return {name: str(folder / name) for name in names} | {
        "nobody's home": "~nobody-of-this-name/x.mp4",
        "too long": str(folder / ("x" * 300)),
        "much too long": "/x" * 3000,
        "two lines": str(folder / "two\nlines"),
        "no text": str(folder / "no\udcfftext"),
        "a device": "/dev/null",
        "endless": "/dev/zero",
    }


@contextmanager
def unreadable(folder: Path) -> Iterator[None]:
    """While it is entered, nothing in `folder` may be looked at by this process."""
    before = folder.stat().st_mode
    folder.chmod(0)
    os.seteuid(NOBODY if os.geteuid() == 0 else os.geteuid())
    try:
        yield
    finally:
        os.seteuid(os.getuid())
        folder.chmod(before)
