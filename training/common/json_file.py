"""JSON files: written whole or not at all; read, and checked against a type before anything in them is used."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import whole_file

#: Whole numbers from here on are not those of a report, and overflow what computes with them.
TOO_LARGE = 2**53

Count = Annotated[int, msgspec.Meta(ge=0, le=TOO_LARGE)]
Number = Annotated[float, msgspec.Meta(ge=0, le=TOO_LARGE)]
Factor = Annotated[float, msgspec.Meta(ge=1e-3, le=1e3)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ShapeError(FerstreamError):
    """A file cannot be read, or does not hold what it is to hold."""


def map_of(**kinds: Any) -> type[msgspec.Struct]:  # noqa: ANN401 - types
    """The type of a map that has at least these fields, each of its type."""
    return msgspec.defstruct("Map", list(kinds.items()))


def read_json(path: Path, kind: Any, cure: str, version: int | None = None) -> dict[str, Any]:  # noqa: ANN401 - a type
    """Read the map in a JSON file and check it against the type `kind`; fields that the type does not name stay.

    Where a `version` is given, the map says the same.

    Raises ShapeError, which names the place that is wrong and ends with `cure`, what to do then.
    """
    try:
        value = json.loads(path.read_text("utf-8"), parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text that can be written again
    except OSError as error:
        raise ShapeError(f"cannot read {path} ({error.strerror}): {cure}") from error
    except (ValueError, RecursionError) as error:
        raise ShapeError(f"cannot read {path} ({error}): {cure}") from error
    if version is not None and isinstance(value, dict) and value.get("version") != version:
        raise ShapeError(f"cannot use {path} (version is not {version}, the one that this program reads): {cure}")
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ShapeError(f"cannot use {path} ({_complaint(error, value, kind)}): {cure}") from error
    return dict(value)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a map for programs, whole or not at all; numbers in it are finite, as JSON knows no others. Raises WriteError."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode("utf-8", "backslashreplace"))  # a name that is no UTF-8 is escaped as JSON escapes it


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all. Raises WriteError."""
    with whole_file(path) as file:
        file.write(data)


def _complaint(error: msgspec.ValidationError, value: Any, kind: Any) -> str:  # noqa: ANN401 - JSON, and a type
    """msgspec's message with the place in the file first."""
    what, _, place = str(error).partition(" - at `$")
    inside = _named(place.strip("`."), str(error), value, kind)
    if what.startswith("Object missing required field"):
        return f"{inside}.{what.split('`')[1]} is missing".lstrip(".")
    if what.startswith("Expected `object`"):
        return f"{inside or 'it'} is no map"
    return f"{inside or 'it'}: {what[0].lower()}{what[1:]}"


def _named(place: str, message: str, whole: Any, kind: Any) -> str:  # noqa: ANN401 - JSON, and a type
    """The place with the keys of maps, for which msgspec says `[...]`: each is the one that alone has the same error.

    Takes the other keys out of `whole`.
    """
    inner, named = whole, ""
    for step in re.findall(r"[^.\[\]]+|\.\.\.", place):
        key: Any = int(step) if isinstance(inner, list) else step
        if step == "...":
            items = dict(inner)
            for key in items:
                inner.clear()
                inner[key] = items[key]
                if _message(whole, kind) == message:
                    break
        named += f"[{key}]" if isinstance(inner, list) else f".{key}"
        inner = inner[key]
    return named.lstrip(".")


def _message(value: Any, kind: Any) -> str:  # noqa: ANN401 - JSON, and a type
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")
