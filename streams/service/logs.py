"""Logs: lines on standard error, coloured on a terminal, plain in a pipe, JSON when asked. Only entry points call this."""

import json
import logging
import os
import re
import sys
from typing import Any, Literal

import click

Format = Literal["auto", "text", "json"]
#: From much to little.
LEVELS = ("debug", "info", "warning", "error")

#: What a log line may say of the camera and the frame that it is about. Messages name the camera; text lines add the others.
FIELDS = ("camera", "sequence", "trace")
_TRACE_ID = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

#: What an exception says may be an URL as a library was given it: what may be a password there, up to the last @ and after a ?.
_SECRETS = ((re.compile(r"://.*@"), "://***@"), (re.compile(r"(://[^\s?]*\?)[^\s'\"]*"), r"\1***"))

_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red", "DEBUG": "bright_black"}


class _Redacting(logging.Formatter):
    """Leaves what may be a password out of tracebacks, whose words are not ours."""

    def formatException(self, ei: Any) -> str:  # noqa: N802, ANN401 - logging's
        text = super().formatException(ei)
        for secret, shown in _SECRETS:
            text = secret.sub(shown, text)
        return text


class _Text(_Redacting):
    def __init__(self, *, colour: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        self._colour = colour

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        about = ", ".join(f"{name} {value}" for name, value in _fields(record).items() if name != "camera")
        return super().formatMessage(record) + (f" ({about})" if about else "")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        colour = _COLOURS.get(record.levelname)
        return click.style(line, fg=colour) if self._colour and colour else line


class _Json(_Redacting):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | _fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def logs_json() -> bool:
    """Whether `configure_logging` was asked for JSON."""
    return any(isinstance(handler.formatter, _Json) for handler in logging.getLogger().handlers)


def about(camera: str, sequence: int | None = None, traceparent: str | None = None) -> dict[str, Any]:
    """For `extra` of a log call: the camera, the frame's number, and the id of its trace where it has one."""
    trace = _TRACE_ID.fullmatch(traceparent or "")
    return {"camera": camera, "sequence": sequence, "trace": trace and trace[1]}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}


def configure_logging(level: str, format_: Format) -> None:
    """Send the log, Python's warnings included, to standard error in `format_`.

    `level` is one of LEVELS; `debug` is ours alone, `all` also that of libraries. `auto` is coloured text on a terminal where
    NO_COLOR is not set, plain text elsewhere.
    """
    colour = format_ == "auto" and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format_ == "json" else _Text(colour=colour))
    least = logging.DEBUG if level in {"all", "debug"} else logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=logging.INFO if level == "debug" else least, handlers=[handler], force=True)
    logging.getLogger("ferstream").setLevel(least)
    logging.captureWarnings(True)
