"""WebSockets of viewers, who may read nothing, or send what never ends."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

#: Seconds after which a connection that is to end is cut.
FAREWELL_S = 1.0
#: The largest message of a page: a picture of the browser's camera.
MOST_BYTES = 1024 * 1024
#: Frames (RFC 6455 5.4) of one message.
MOST_PIECES = 1000


class ViewerProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that can be ended though nobody reads at its other end."""

    def handle_connect(self, event: Any) -> None:  # noqa: ANN401 - of websockets
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions["fer.drop"] = self._drop

    async def send(self, message: Any) -> None:  # noqa: ANN401 - of ASGI
        await super().send(message)
        if self.close_sent:  # uvicorn forgets it of a refusal with a body, logs an error and answers 500 too
            self.handshake_complete = True

    def handle_cont(self, event: Any) -> None:  # noqa: ANN401 - of websockets
        super().handle_cont(event)
        if len(self.frames) > MOST_PIECES:  # they may be empty, and so not too large for ever
            self.transport.abort()

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.transport.get_write_buffer_size() > MOST_BYTES:  # it asks for pongs and reads none
            self.transport.abort()

    def shutdown(self) -> None:
        super().shutdown()
        self.loop.call_later(FAREWELL_S, self.transport.abort)

    def _drop(self, code: int) -> None:
        """Send a close frame, and cut the connection soon."""
        if not self.transport.is_closing():
            self.conn.send_close(code)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.loop.call_later(FAREWELL_S, self.transport.abort)
