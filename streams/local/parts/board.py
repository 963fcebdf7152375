"""The one log of all parts, on standard error: who says it, and what."""

import errno
import json
import os
import re
import sys
import threading
import time
from typing import Literal

import click

#: Colours of names, in turn. Red and yellow are for what is wrong.
_NAMES = ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")
_LEVELS: dict[str, dict[str, str | bool]] = {
    "info": {"dim": True},
    "good": {"bold": True},
    "warning": {"fg": "yellow"},
    "error": {"fg": "red"},
}
#: How a text line of a part's log begins, where it is a warning or worse.
_LEVEL = re.compile(r"\d\d:\d\d:\d\d (WARNING|ERROR|CRITICAL) ")

Level = Literal["info", "good", "warning", "error"]


class Board:
    """Writes lines, each behind the name of its part: coloured on a terminal, plain in a pipe, JSON where the log is JSON.

    Lines of two parts never mix. A reader that left is not told any more, and no part waits for it.
    """

    def __init__(self, log_format: str) -> None:
        self._json = log_format == "json"
        self._colour = log_format == "auto" and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()
        self._colours: dict[str, str] = {}
        self._left = False

    def say(self, name: str, text: str, level: Level = "info") -> None:
        """Our own words about a part."""
        if self._json:
            level_ = "info" if level == "good" else level
            self._write_json({"time": round(time.time(), 3), "level": level_, "logger": __name__, "message": text}, name)
        else:
            self._write_text(name, text, _LEVELS[level])

    def print(self, said: dict[str, object]) -> None:
        """A line of JSON on standard output, for programs."""
        click.echo(json.dumps(said, ensure_ascii=False))

    def pass_on(self, name: str, line: str) -> None:
        """A line of a part's own log."""
        if not self._json:
            found = _LEVEL.match(line)
            return self._write_text(name, line, _LEVELS["warning" if found[1] == "WARNING" else "error"] if found else {})
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        return self._write_json(said if isinstance(said, dict) else {"logger": name, "level": "info", "message": line}, name)

    def _write_text(self, name: str, text: str, style: dict[str, str | bool]) -> None:
        colour = self._colours.setdefault(name, _NAMES[len(self._colours) % len(_NAMES)])
        begin = f"{name:<9} |"
        if self._colour:
            begin, text = click.style(begin, fg=colour), click.style(text, **style) if style else text  # type: ignore[arg-type]
        self._write(f"{begin} {text}\n")

    def _write_json(self, line: dict[str, object], name: str) -> None:
        self._write(json.dumps(line | {"part": name}, ensure_ascii=False) + "\n")

    def _write(self, line: str) -> None:
        with self._lock:
            if self._left:
                return
            try:
                sys.stderr.write(line)
                sys.stderr.flush()
            except OSError as error:
                # With a full disk a line is lost. Else the pipe's reader, or the terminal, is gone.
                self._left = error.errno != errno.ENOSPC
