"""What a rule is made of: comparisons of a face's fields, joined by and, or, not; and for how long it must hold."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from ferstream.streams.wire.emotions import EMOTIONS

Operator = Literal["=", "!=", ">", ">=", "<", "<="]
OPERATORS: tuple[Operator, ...] = get_args(Operator)

#: What a field is compared with. A share is from 0 to 1.
FieldKind = Literal["emotion", "text", "share", "count", "seconds"]
FIELDS: Final[Mapping[str, FieldKind]] = {
    "emotion": "emotion",
    "probability": "share",
    **{f"p_{emotion}": "share" for emotion in EMOTIONS},
    "quality": "share",
    "camera": "text",
    "people": "count",
    "duration": "seconds",
}
#: Units of time, in seconds.
UNITS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}

Value = str | float
#: The fields of one face in one frame; None where it has no such value.
Fields = Mapping[str, Value | None]

_COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against a value. Where the face has no such value, as an unknown face has no probability, it does not hold."""

    field: str
    operator: Operator
    value: Value

    def holds(self, fields: Fields) -> bool:
        found = fields[self.field]
        return found is not None and _COMPARE[self.operator](found, self.value)

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{_value_text(self.field, self.value)}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    condition: "Condition"

    def holds(self, fields: Fields) -> bool:
        return not self.condition.holds(fields)

    def __str__(self) -> str:
        return f"not {_part(self.condition)}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of two or more hold."""

    conditions: tuple["Condition", ...]

    def holds(self, fields: Fields) -> bool:
        return all(condition.holds(fields) for condition in self.conditions)

    def __str__(self) -> str:
        return " and ".join(map(_part, self.conditions))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of two or more holds."""

    conditions: tuple["Condition", ...]

    def holds(self, fields: Fields) -> bool:
        return any(condition.holds(fields) for condition in self.conditions)

    def __str__(self) -> str:
        return " or ".join(map(_part, self.conditions))


Condition = Comparison | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that must hold for `hold_s` seconds; `str` gives its text."""

    condition: Condition
    hold_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.condition} for {seconds_text(self.hold_s)}" if self.hold_s else str(self.condition)


def seconds_text(seconds: float) -> str:
    """As `parse_seconds` reads it."""
    return f"{_number_text(seconds)}s"


def _part(condition: Condition) -> str:
    return f"({condition})" if isinstance(condition, AllOf | AnyOf) else str(condition)


def _value_text(field: str, value: Value) -> str:
    if isinstance(value, str):
        return value if FIELDS[field] == "emotion" else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return seconds_text(value) if FIELDS[field] == "seconds" else _number_text(value)


def _number_text(number: float) -> str:
    return repr(float(number)).removesuffix(".0")
