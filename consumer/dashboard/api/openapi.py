"""GET /api/openapi.json: every address of the API, as programs that write clients read it."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from ferstream.consumer.dashboard.api.describe import Operation, Query, Wrong, operation_of
from ferstream.streams.service.metrics import ferstream_version

_REF = "#/components/schemas/{name}"
#: Addresses of the API; all others are those of the page.
_OURS = ("/api/", "/healthz", "/readyz")
_PARAMETER = re.compile(r"\{(\w+)(:\w+)?\}")
Where = tuple[str, str, Operation]


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    found = list(_operations(routes))
    types = [Wrong, *(type_ for _, _, operation in found for type_ in _types(operation))]
    named = list(dict.fromkeys(type_ for type_ in types if not isinstance(type_, str)))
    schemas, components = msgspec.json.schema_components(named, ref_template=_REF)
    by_type = dict(zip(named, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in found:
        paths.setdefault(_PARAMETER.sub(r"{\1}", path), {})[method] = _described(path, operation, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ferstream dashboard",
            "version": ferstream_version(),
            "description": "What the page shows. A token goes into the header `Authorization: Bearer`.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _operations(routes: Iterable[BaseRoute]) -> Iterator[Where]:
    for route in routes:
        if isinstance(route, Mount):
            yield from ((route.path + path, method, said) for path, method, said in _operations(route.routes or []))
        elif isinstance(route, WebSocketRoute) and route.path.startswith(_OURS):
            yield route.path, "get", operation_of(route.endpoint)
        elif isinstance(route, Route) and route.path.startswith(_OURS):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield route.path, method.lower(), operation_of(route.endpoint)


def _types(operation: Operation) -> Iterator[Any]:
    yield from (query.type_ for query in operation.query)
    yield from (type_ for type_ in (operation.answer, operation.body) if type_ is not None)


def _described(path: str, operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    answers = {str(operation.status): {"description": operation.summary} | _content(operation.answer, schemas)}
    for status in operation.wrong:
        answers[str(status)] = {"description": HTTPStatus(status).phrase} | _content(Wrong, schemas)
    said: dict[str, Any] = {"summary": operation.summary, "responses": answers}
    if parameters := [*_path_parameters(path), *(_parameter(query, schemas) for query in operation.query)]:
        said["parameters"] = parameters
    if operation.body is not None:
        said["requestBody"] = {"required": True} | _content(operation.body, schemas)
    return said


def _content(type_: Any, schemas: dict[Any, Any]) -> dict[str, Any]:  # noqa: ANN401 - a type, or a media type
    if type_ is None:
        return {}
    if isinstance(type_, str):
        return {"content": {type_: {}}}
    return {"content": {"application/json": {"schema": schemas[type_]}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name, _ in _PARAMETER.findall(path)]


def _parameter(query: Query, schemas: dict[Any, Any]) -> dict[str, Any]:
    schema = schemas[query.type_] if query.default is None else schemas[query.type_] | {"default": query.default}
    return {"name": query.name, "in": "query", "description": query.about, "schema": schema}
