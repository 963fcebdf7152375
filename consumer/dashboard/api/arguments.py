"""Arguments of an address, checked."""

import math
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ferstream.consumer.dashboard.api.describe import Query

T = TypeVar("T", bound=msgspec.Struct)

#: What SQL and JavaScript can count too.
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


def arguments(request: Request, queries: tuple[Query, ...]) -> dict[str, Any]:
    """Those that the address has, and the defaults of the others. Raises HTTPException 400 where one is wrong."""
    known = {query.name: query for query in queries}
    for name in request.query_params:
        if name not in known:
            raise HTTPException(400, f"there is no argument {name[:40]!r}: there are {', '.join(known)}")
    found = {}
    for name, query in known.items():
        text = request.query_params.get(name)
        found[name] = query.default if text in (None, "") else _converted(query, text)
    return found


def _converted(query: Query, text: str | None) -> Any:  # noqa: ANN401 - of the query's type
    try:
        value = msgspec.convert(text, query.type_, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(400, f"{query.name}: {error}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise HTTPException(400, f"{query.name}: it must be a number of seconds")
    return value
