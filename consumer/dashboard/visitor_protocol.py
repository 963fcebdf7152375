"""HTTP with one visitor, who has to ask and to read in time: whoever does not would take the place of somebody else."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ferstream.consumer.dashboard.access.addresses import network_of

#: Seconds for the head of a request, or for some of an answer to be read; and for the body of a request.
HEAD_S, BODY_S = 10.0, 90.0
LOOK_S = 2.5
#: Connections of one address, less than all there are; its WebSockets are counted by RateLimits.
MOST_OF_ADDRESS = 200

#: Whether connections of this address are a proxy's, and so those of many people.
IsProxy = Callable[[str], bool]


class Visitors:
    """Connections of each address, WebSockets left out."""

    def __init__(self, is_proxy: IsProxy) -> None:
        self._is_proxy = is_proxy
        self._connections: Counter[str] = Counter()

    def come(self, address: str) -> bool:
        """One more; false where there are too many. One that came goes, whatever was said."""
        network = network_of(address)
        self._connections[network] += 1
        return self._connections[network] <= MOST_OF_ADDRESS or self._is_proxy(address)

    def go(self, address: str) -> None:
        network = network_of(address)
        self._connections[network] -= 1
        if not self._connections[network]:
            del self._connections[network]


class VisitorProtocol(H11Protocol):
    """Cuts the connection of a visitor for whom it has waited too long, and of an address that has too many."""

    def __init__(self, visitors: Visitors, *args: Any, **more: Any) -> None:  # noqa: ANN401 - of uvicorn
        super().__init__(*args, **more)
        self._visitors = visitors
        self._address: str | None = None
        self._look_later: asyncio.TimerHandle | None = None
        self._place: tuple[object, ...] = ()
        self._since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        if self._visitors.come(self._address):
            self._look()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._leave()
        super().handle_websocket_upgrade(event)

    def _leave(self) -> None:
        if self._look_later:
            self._look_later.cancel()
        if self._address is not None:
            self._visitors.go(self._address)
            self._address = None

    def _look(self) -> None:
        """See whether the visitor has gone on since the last look, where it is their turn."""
        now, theirs, unread = self.loop.time(), self.conn.their_state, self.transport.get_write_buffer_size()
        is_asking = theirs in (h11.IDLE, h11.SEND_BODY)
        place = (theirs, self.cycle, unread)
        if place != self._place or not (is_asking or unread):
            self._place, self._since = place, now
        if now - self._since > (BODY_S if theirs is h11.SEND_BODY else HEAD_S):
            self.transport.abort()
        else:
            self._look_later = self.loop.call_later(LOOK_S, self._look)
