"""Polygons that somebody draws on a camera's picture, in fractions of it, so that they fit every size it is scaled to."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias, TypeGuard

from msgspec import Meta

LEAST_POINTS, MOST_POINTS, MOST_POLYGONS = 3, 64, 32

Fraction: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
#: Corners [x, y], from (0, 0) at the top left to (1, 1) at the bottom right; the last one is joined to the first.
Polygon: TypeAlias = Annotated[tuple[tuple[Fraction, Fraction], ...], Meta(min_length=LEAST_POINTS, max_length=MOST_POINTS)]
Polygons: TypeAlias = Annotated[tuple[Polygon, ...], Meta(max_length=MOST_POLYGONS)]
#: How a value is named in an error.
Quoted: TypeAlias = Callable[[object], str]


def mistake_in_mask(mask: object, quoted: Quoted) -> str:
    """What is wrong with a list of polygons, as the end of a sentence that begins with `mask`; nothing where it is right."""
    if not _is_list(mask):
        return f"must be a list of polygons, not {quoted(mask)}"
    if mask and all(map(_is_point, mask)):
        return "must be a list of polygons, and this is one polygon: put it into brackets of its own"
    if len(mask) > MOST_POLYGONS:
        return f"must be at most {MOST_POLYGONS} polygons, not {len(mask)}"
    wrong = ((number, mistake_in_polygon(polygon, quoted)) for number, polygon in enumerate(mask, start=1))
    return next((f"polygon {number} {mistake}" for number, mistake in wrong if mistake), "")


def mistake_in_polygon(polygon: object, quoted: Quoted) -> str:
    """The same of one polygon."""
    if not _is_list(polygon):
        return f"must be a list of points [x, y], not {quoted(polygon)}"
    if polygon and all(_is_list(one) and one and all(map(_is_point, one)) for one in polygon):
        return "must be one polygon, a list of points [x, y], and this is a list of polygons"
    for number, point in enumerate(polygon, start=1):
        if not _is_point(point):
            return f"point {number} must be [x, y], two numbers from 0 to 1, not {quoted(point)}"
    if not LEAST_POINTS <= len(polygon) <= MOST_POINTS:
        return f"must have {LEAST_POINTS} to {MOST_POINTS} points, not {len(polygon)}"
    return ""


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _is_point(value: object) -> bool:
    return _is_list(value) and len(value) == 2 and all(map(_is_fraction, value))


def _is_fraction(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
