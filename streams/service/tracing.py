"""Traces of sampled frames, for a collector of OpenTelemetry's. The only importer of opentelemetry, which is an extra.

A sampled frame has one trace: `capture` by its producer, and `publish` by the worker that answered it. Models compute frames of
several traces at once: a batch is a trace of its own, whose span has a link to each sampled frame in it; `publish` links to the
batches. All times are Redis's, so that the spans of different machines fit together.
"""

import logging
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import redact
from ferstream.streams.service.metrics import ferstream_version
from ferstream.streams.wire.messages import FrameHeader

try:
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
    from opentelemetry.trace import Link, Span, SpanKind, StatusCode, get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    from opentelemetry.util.types import Attributes
except ImportError as error:
    raise FerstreamError(f"--trace-endpoint needs OpenTelemetry: {how_to_install('tracing')}") from error

log = logging.getLogger(__name__)

#: Spans that wait for the collector; the oldest go first when there are more.
QUEUE = 2048
#: How long the collector has for one request, and how long a process that leaves waits for it.
REQUEST_S, FLUSH_S = 5.0, 3.0

_W3C = TraceContextTextMapPropagator()


class Tracing:
    """The spans of one process, sent by a thread of its own: a collector that is slow or away costs spans, never frames."""

    def __init__(self, endpoint: str, program: str, instance: str, clock: ServerClock, *, one_in: int = 1) -> None:
        """`endpoint` is the collector's OTLP/HTTP URL; without a path, /v1/traces is added. One frame in `one_in` is sampled."""
        self._clock, self._one_in = clock, one_in
        # Its own words repeat themselves with every batch and may hold the URL; _Exporter says once what they would say.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        url = endpoint if urlsplit(endpoint).path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"
        resource = {"service.name": program, "service.version": ferstream_version(), "service.instance.id": instance}
        self._provider = TracerProvider(ParentBased(ALWAYS_ON), Resource.create(resource), shutdown_on_exit=False)
        exporter = _Exporter(OTLPSpanExporter(url, timeout=REQUEST_S), redact(url))
        self._provider.add_span_processor(BatchSpanProcessor(exporter, QUEUE, schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("ferstream")

    def camera(self, camera_id: str) -> "CameraTracer":
        """The sampler of one camera's frames."""
        return CameraTracer(self, camera_id, self._one_in)

    def captured(self, camera_id: str, sequence: int, captured_at: float) -> "FrameSpan":
        """Begin a frame's trace, at its capture in seconds on Redis's clock."""
        attributes: Attributes = {"fer.camera_id": camera_id, "fer.sequence": sequence}
        span = self._tracer.start_span("capture", Context(), SpanKind.PRODUCER, attributes, start_time=_ns(captured_at))
        return FrameSpan(span, self._clock)

    @staticmethod
    def sampled(traceparent: str | None) -> bool:
        """Whether a frame's producer, ours or one of another kind, wants it traced: the lowest bit of the flags at the end."""
        return bool(traceparent) and traceparent[-1] in "13579bdf"  # type: ignore[index]

    @contextmanager
    def batch(self, stage: str, size: int, traceparents: Iterable[str | None]) -> Iterator[str]:
        """A span around one call of a model on `size` pictures, with links to the frames sampled; yields its own traceparent."""
        links = _links(traceparents)
        attributes: Attributes = {"fer.batch_size": size}
        span = self._tracer.start_span(stage, Context(), SpanKind.CONSUMER, attributes, links, _ns(self._clock.now()))
        try:
            yield _traceparent(span)
        except Exception as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            span.end(_ns(self._clock.now()))

    def answered(self, header: FrameHeader, outcome: str, faces: int, batches: Iterable[str], since: float) -> None:
        """End a sampled frame's trace with what became of it, from `since` until now, linked to the batches that it was in."""
        attributes: Attributes = {
            "fer.camera_id": header.camera_id,
            "fer.sequence": header.sequence,
            "fer.outcome": outcome,
            "fer.faces": faces,
        }
        parent = _W3C.extract({"traceparent": header.traceparent or ""}, Context())
        span = self._tracer.start_span("publish", parent, SpanKind.PRODUCER, attributes, _links(batches), _ns(since))
        if outcome != "answered":
            span.set_status(StatusCode.ERROR, outcome)
        span.end(_ns(self._clock.now()))

    def close(self) -> None:
        """Send what waits, for a bounded time."""
        # The library's own end waits for half a minute where the collector hangs.
        ending = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        ending.start()
        ending.join(FLUSH_S)


class CameraTracer:
    """Samples one frame in so many of one camera. Not thread-safe: a camera's own thread asks."""

    def __init__(self, tracing: Tracing, camera_id: str, one_in: int) -> None:
        self._tracing, self._camera_id, self._one_in = tracing, camera_id, one_in
        # Counted, not taken from the sequence: a frame-rate cap leaves every second or third one, and may miss each hundredth.
        # Cameras that start together begin at different frames.
        self._frames_to_go = zlib.crc32(camera_id.encode()) % one_in

    def frame(self, sequence: int, captured_at: float) -> "FrameSpan | None":
        """The span of a frame that is sampled, or None."""
        if self._frames_to_go:
            self._frames_to_go -= 1
            return None
        self._frames_to_go = self._one_in - 1
        return self._tracing.captured(self._camera_id, sequence, captured_at)


class FrameSpan:
    """From a frame's capture until Redis has it. `traceparent` travels with the frame."""

    def __init__(self, span: Span, clock: ServerClock) -> None:
        self._span, self._clock = span, clock
        self.traceparent = _traceparent(span)

    def end(self, written: bool) -> None:
        if not written:
            self._span.set_status(StatusCode.ERROR, "not written to Redis")
        self._span.end(_ns(self._clock.now()))


class _Exporter(SpanExporter):
    """Says once that the collector takes nothing, and once that it does again."""

    def __init__(self, exporter: SpanExporter, shown_url: str) -> None:
        self._exporter, self._shown_url = exporter, shown_url
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            log.warning("the trace collector at %s takes no spans: they are lost until it does", self._shown_url)
        elif self._failing and not failed:
            log.info("the trace collector takes spans again")
        self._failing = failed
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _traceparent(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _links(traceparents: Iterable[str | None]) -> list[Link]:
    contexts = (
        get_current_span(_W3C.extract({"traceparent": text or ""}, Context())).get_span_context() for text in traceparents
    )
    return [Link(context) for context in contexts if context.is_valid]


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
