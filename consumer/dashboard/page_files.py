"""The page's own files, as they are on disk."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ferstream.consumer.dashboard.api.answer import http_error

PAGES = Path(__file__).parent / "pages"
#: Addresses at which the page's script shows something.
ADDRESSES = ("/", "/camera/{camera:path}", "/fleet", "/review", "/try", "/cameras", "/login", "/api")


def routes() -> list[BaseRoute]:
    """One page for all addresses, and its files under /static."""

    async def page(_request: Request) -> Response:
        return FileResponse(PAGES / "index.html", headers=_FRESH)

    return [*(Route(address, page) for address in ADDRESSES), Mount("/static", _Files(directory=PAGES), name="static")]


async def error_or_page(request: Request, error: Exception) -> Response:
    """An HTTPException; where a browser asks for a page that is none, our page says so."""
    is_missing = isinstance(error, HTTPException) and error.status_code == 404
    if is_missing and "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(("/api/", "/static/")):
        return FileResponse(PAGES / "index.html", 404, _FRESH)
    return await http_error(request, error)


#: Asked for again each time, and sent again only where it changed.
_FRESH = {"Cache-Control": "no-cache"}


class _Files(StaticFiles):
    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(_FRESH)
        return response
