"""What a JSON file from outside must hold before anything in it is used."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from ferstream.streams.errors import FerstreamError

#: Whole numbers from here on are not those of a report, and overflow what computes with them.
TOO_LARGE = 2**53


class ShapeError(FerstreamError):
    """A file cannot be read, or does not hold what it is to hold."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A value by itself: what it is in words, and whether one is of it."""

    what: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Each:
    """A map of any names, or a list of any length, whose values are of one shape."""

    of: "Shape"
    kind: type[dict[str, Any]] | type[list[Any]] = dict


#: A value, a map that has at least these names, a list of exactly these, or one of any length.
Shape = Union[Kind, Mapping[str, "Shape"], list["Shape"], Each]  # noqa: UP007 - it names itself


def _is_number(value: object, least: float, most: float = TOO_LARGE) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and least <= value <= most


TEXT = Kind("a text", lambda value: isinstance(value, str))
COUNT = Kind("a whole number, 0 or more", lambda value: isinstance(value, int) and _is_number(value, 0))
NUMBER = Kind("a number, 0 or more", lambda value: _is_number(value, 0))
FACTOR = Kind("a number from 0.001 to 1000", lambda value: _is_number(value, 1e-3, 1e3))
SHARE = Kind("a number from 0 to 1", lambda value: _is_number(value, 0, 1))


def maybe(kind: Kind) -> Kind:
    """The same, or null."""
    return Kind(f"{kind.what}, or null", lambda value: value is None or kind.fits(value))


def read_shaped(path: Path, shape: Mapping[str, Shape], cure: str) -> dict[str, Any]:
    """The map in a JSON file, which is of `shape`; `cure` says what to do otherwise. Raises ShapeError."""
    try:
        value = json.loads(path.read_text("utf-8"), parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text that can be written again
    except OSError as error:
        raise ShapeError(f"cannot read {path} ({error.strerror}): {cure}") from error
    except (ValueError, RecursionError) as error:
        raise ShapeError(f"cannot read {path} ({error}): {cure}") from error
    if wrong := complaint(value, shape, ""):
        raise ShapeError(f"cannot use {path} ({wrong}): {cure}")
    return dict(value)


def complaint(value: object, shape: Shape, where: str) -> str | None:
    """The first thing in a value that is not of its shape, with the place in it; None where all is."""
    name = where or "it"
    if isinstance(shape, Kind):
        return None if shape.fits(value) else f"{name} is not {shape.what}"
    kind = shape.kind if isinstance(shape, Each) else list if isinstance(shape, list) else dict
    if not isinstance(value, kind):
        return f"{name} is no {'list' if kind is list else 'map'}"
    parts: dict[Any, Any] = dict(enumerate(value)) if isinstance(value, list) else dict(value)
    if isinstance(shape, Each):
        wanted: Mapping[Any, Shape] = dict.fromkeys(parts, shape.of)
    else:
        wanted = dict(enumerate(shape)) if isinstance(shape, list) else shape
    for key, part in wanted.items():
        inner = f"{where}.{key}" if where else str(key)
        if wrong := complaint(parts[key], part, inner) if key in parts else f"{inner} is missing":
            return wrong
    return f"{name} is too long" if isinstance(shape, list) and len(parts) > len(shape) else None


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")
