"""Answers in JSON, also those that say what is wrong."""

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

#: In place of Starlette's own words.
_WORDS = {
    404: "there is nothing at this address: GET /api/openapi.json lists what there is",
    405: "this address does not answer to this method: GET /api/openapi.json lists what there is",
}
_encode = msgspec.json.Encoder().encode


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:  # noqa: ANN401 - any JSON
    """`content` as JSON: structs, dataclasses and what they are made of. Bytes are JSON already."""
    body = content if isinstance(content, bytes) else _encode(content)
    return Response(body, status, {"Cache-Control": "no-store"} | (headers or {}), "application/json")


def error_answer(status: int, what: str, headers: dict[str, str] | None = None) -> Response:
    """What is wrong, and what to do."""
    return json_answer({"error": what}, status, headers)


async def http_error(_request: Request, error: Exception) -> Response:
    """An HTTPException that an endpoint raised."""
    assert isinstance(error, HTTPException)
    said = _WORDS.get(error.status_code) if error.detail == HTTPStatus(error.status_code).phrase else None
    return error_answer(error.status_code, said or error.detail, dict(error.headers or {}))


async def nobody_reads(_request: Request, _error: Exception) -> Response:
    """The visitor went before all of the request had come: no fault of ours."""
    return Response(status_code=499)


async def server_error(_request: Request, _error: Exception) -> Response:
    """A fault of ours; the log has it."""
    return error_answer(500, "the server has failed; its log says how")
