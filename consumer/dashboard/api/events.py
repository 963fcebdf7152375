"""GET /api/events as they come, and GET /api/history, also as CSV."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ferstream.consumer.dashboard.api.answer import json_answer
from ferstream.consumer.dashboard.api.arguments import Count, arguments
from ferstream.consumer.dashboard.api.describe import Query, described
from ferstream.consumer.dashboard.live.history import Wanted
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.listener import Listener
from ferstream.consumer.records.cells import cell
from ferstream.consumer.records.rows import TABLES, Column, Row
from ferstream.streams.wire.codec import event_map
from ferstream.streams.wire.emotions import Name
from ferstream.streams.wire.messages import Event, EventKind
from ferstream.streams.wire.schema import Event2

#: Seconds from one sign of life to the next, and for one event to go out.
PING_S, SEND_S = 15, 10.0
_TABLE = TABLES["events"]


class HistoryAnswer(msgspec.Struct, frozen=True):
    """Events, the newest first; and whether there are more."""

    events: list[Event2]
    more: bool


_CAMERA = Query("camera", str, "Only of this camera.")
_HISTORY = (
    _CAMERA,
    Query("emotion", Name, "Only with this emotion."),
    Query("kind", EventKind, "Only of this kind."),
    Query("from", float, "Only since then, in seconds since the epoch."),
    Query("to", float, "Only before then."),
    Query("limit", Count, "So many at most.", 500),
)


class EventsApi:
    """The endpoints."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # Thousands of events take most of a second: of one answer at a time, and beside the event loop.
        self._turn = asyncio.Semaphore(1)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/events", self.live),
            Route("/api/history", self.history),
            Route("/api/history.csv", self.history_csv),
        ]

    @described(
        "Events as they come: server-sent events named `event`, with the JSON of one as data.", "text/event-stream", _CAMERA
    )
    async def live(self, request: Request) -> Response:
        listener = Listener(arguments(request, (_CAMERA,))["camera"])

        async def events() -> AsyncIterator[ServerSentEvent]:
            self._hub.listen(listener)
            try:
                async for event in listener:
                    yield ServerSentEvent(_encode(event_map(event)).decode(), event="event", id=event.event_id)
            finally:
                self._hub.forget(listener)

        return EventSourceResponse(events(), ping=PING_S, send_timeout=SEND_S)

    @described("Events that happened, the newest first.", HistoryAnswer, *_HISTORY, wrong=(400,))
    async def history(self, request: Request) -> Response:
        found, more = self._find(request)
        async with self._turn:
            return await asyncio.to_thread(lambda: json_answer({"events": [event_map(event) for event in found], "more": more}))

    @described("The same as a table, for a spreadsheet.", "text/csv", *_HISTORY, wrong=(400,))
    async def history_csv(self, request: Request) -> Response:
        found, _ = self._find(request)
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="events.csv"'}
        async with self._turn:
            text = await asyncio.to_thread(_table, found)
        return Response(text, headers=headers, media_type="text/csv; charset=utf-8")

    def _find(self, request: Request) -> tuple[list[Event], bool]:
        asked = arguments(request, _HISTORY)
        bounds = {name: asked[key] for name, key in (("start", "from"), ("end", "to")) if asked[key] is not None}
        wanted = Wanted(camera=asked["camera"], emotion=asked["emotion"], kind=asked["kind"], **bounds)
        return self._hub.history.find(wanted, asked["limit"])


_encode = msgspec.json.Encoder().encode


def _table(found: list[Event]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_TABLE.names)
    writer.writerows(_cells(row) for row in _TABLE.all_rows(found))
    return text.getvalue()


def _cells(row: Row) -> list[object]:
    """A row of an event, its time as ISO 8601."""
    return [cell(_readable(column, value)) for column, value in zip(_TABLE.columns, row, strict=True)]


def _readable(column: Column, value: Any) -> Any:  # noqa: ANN401 - a value of any column
    if value is None:
        return None
    if column.kind == "time":
        return datetime.fromtimestamp(value, UTC)
    return round(value, 6) if column.kind == "single" else value
