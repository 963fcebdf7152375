"""A real OTLP/HTTP collector for tests: takes spans as protobuf, or behaves badly on request."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Manner = Literal["well", "busy", "silent"]


class TraceCollector:
    """Listens on a free port. `manner` busy answers 503, silent never answers."""

    def __init__(self, manner: Manner = "well") -> None:
        self.received: list[tuple[str, Span]] = []  # the service's name and the span
        self.raw = b""
        self.paths: set[str] = set()
        self._leaving = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.paths.add(self.path)
                if manner == "silent":
                    collector._leaving.wait()
                    return
                if manner == "well":
                    collector._take(body)
                self.send_response(200 if manner == "well" else 503)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Requests are no news."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def spans(self, name: str) -> list[Span]:
        return [span for _, span in self.received if span.name == name]

    def services(self, name: str) -> set[str]:
        return {service for service, span in self.received if span.name == name}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._leaving.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, body: bytes) -> None:
        self.raw += body
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(pair.value.string_value for pair in group.resource.attributes if pair.key == "service.name")
            self.received += [(service, span) for scope in group.scope_spans for span in scope.spans]


def attributes(span: Span) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


def identity(span: Any) -> tuple[bytes, bytes]:
    """Of a span, or of what a link points to."""
    return span.trace_id, span.span_id
