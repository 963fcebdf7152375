"""What the API says of an endpoint of its own, for /api/openapi.json; any room may say it of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

E = TypeVar("E", bound=Callable[..., Any])
_ATTRIBUTE = "fer_operation"


@dataclass(frozen=True, slots=True)
class Query:
    """An argument of the address. `type_` is a type that msgspec knows, with its limits."""

    name: str
    type_: Any
    about: str
    default: Any = None


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong, and what to do."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`answer` is the type of the JSON that is answered with `status`, or, where it is none, its media type; `body` likewise."""

    summary: str
    answer: Any
    query: tuple[Query, ...] = ()
    body: Any = None
    wrong: tuple[int, ...] = ()
    status: int = 200


def described(
    summary: str,
    answer: Any,  # noqa: ANN401 - a type
    *query: Query,
    body: Any = None,  # noqa: ANN401
    wrong: tuple[int, ...] = (),
    status: int = 200,
) -> Callable[[E], E]:
    """Say it of the function below."""
    said = Operation(summary=summary, answer=answer, query=query, body=body, wrong=wrong, status=status)

    def describe(endpoint: E) -> E:
        setattr(endpoint, _ATTRIBUTE, said)
        return endpoint

    return describe


def operation_of(endpoint: Callable[..., Any]) -> Operation:
    """What was said of it; of one of which nothing was, its docstring."""
    said = getattr(endpoint, _ATTRIBUTE, None)
    if isinstance(said, Operation):
        return said
    return Operation(summary=(endpoint.__doc__ or endpoint.__name__).strip().splitlines()[0], answer="application/json")
