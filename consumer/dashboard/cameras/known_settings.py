"""The settings that a camera may have, as a form needs to know them."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Kind = Literal["boolean", "integer", "number", "polygon", "polygons"]


class KnownSetting(msgspec.Struct, frozen=True):
    """`least` and `most` are those of a number. A polygon is a list of [x, y] from 0 to 1; `default` null is none."""

    kind: Kind
    least: float | None
    most: float | None
    default: Any


def known_settings(schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, KnownSetting]:
    """From what `fer-producer schema` says of each setting."""
    return {name: _known(schema) for name, schema in schemas.items()}


def _known(schema: Mapping[str, Any]) -> KnownSetting:
    said = next((one for one in schema.get("anyOf", ()) if one["type"] != "null"), schema)
    return KnownSetting(_kind(said), said.get("minimum"), said.get("maximum"), schema.get("default"))


def _kind(said: Mapping[str, Any]) -> Kind:
    if said["type"] == "array":
        return "polygon" if "prefixItems" in said["items"] else "polygons"
    kind: Kind = said["type"]
    return kind
