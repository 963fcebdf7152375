"""Logs: lines on standard error, coloured on a terminal, plain in a pipe, JSON when asked. Only entry points call this."""

import json
import logging
import sys
from typing import Literal

import click

Format = Literal["auto", "text", "json"]

_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red", "DEBUG": "bright_black"}


class _Text(logging.Formatter):
    def __init__(self, *, colour: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        colour = _COLOURS.get(record.levelname)
        return click.style(line, fg=colour) if self._colour and colour else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(level: str, format_: Format) -> None:
    """Send the log to standard error in `format_`; `auto` is coloured text on a terminal, plain text elsewhere."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format_ == "json" else _Text(colour=format_ == "auto" and sys.stderr.isatty()))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
