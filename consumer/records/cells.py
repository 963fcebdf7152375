"""A value as a cell of CSV, which no spreadsheet takes for a formula."""

import json
from datetime import UTC, datetime
from typing import Any

#: What a text begins with that spreadsheets compute: a camera or a picture may be called `=HYPERLINK(...)`.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    """Lists and maps as JSON, times as ISO 8601; a text that would be a formula gets an apostrophe before it."""
    if isinstance(value, dict | list):
        return json.dumps(value, default=as_text)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return as_text(value) if isinstance(value, datetime) else value


def as_text(value: object) -> str:
    """Times as ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
