"""What a sink tells Prometheus."""

from collections import Counter as Count
from collections.abc import Sequence
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from ferstream.consumer.sinks.preparation import AnyDelivery
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.service.metrics import LATENCY_BUCKETS

_LABELS = ("kind", "of")


class SinkMetrics:
    """Counters of one sink: `kind` is postgresql, say, and `of` results, events or minutes."""

    def __init__(self, kind: str, of: str, registry: CollectorRegistry = REGISTRY) -> None:
        def counter(name: str, text: str, *more: str) -> Counter:
            return Counter(name, text, [*_LABELS, *more], registry=registry)

        self._labels = (kind, of)
        self._records = counter("fer_sink_records_total", "Records that a sink has written.").labels(kind, of)
        self._bytes = counter("fer_sink_bytes_total", "Bytes of lines that a sink of files has written.").labels(kind, of)
        self._batches = counter("fer_sink_batches_total", "Batches that a sink has written.").labels(kind, of)
        self._errors = counter("fer_sink_errors_total", "Batches that failed; one that is unavailable is tried again.", "reason")
        self._lag = Gauge(
            "fer_sink_lag_seconds", "How old what a sink wrote last is, since it was published.", _LABELS, registry=registry
        ).labels(kind, of)
        self._waiting = Gauge(
            "fer_sink_waiting", "1 while a sink cannot take what was read, else 0.", _LABELS, registry=registry
        ).labels(kind, of)
        self._seconds = Histogram(
            "fer_sink_write_seconds", "Writing one batch.", _LABELS, buckets=LATENCY_BUCKETS, registry=registry
        ).labels(kind, of)
        self._lost = Counter("fer_results_lost_total", "Entries that Redis trimmed before they were kept.", registry=registry)
        self._late = Counter(
            "fer_results_late_total", "Results too late for the order of capture: kept, not followed.", registry=registry
        )
        self._undecodable = Counter(
            "fer_results_undecodable_total", "Entries that are not what the wire says.", ["reason"], registry=registry
        )
        self._latency = Histogram(
            "fer_result_latency_seconds", "From capture to published.", buckets=LATENCY_BUCKETS, registry=registry
        )
        self._seen_reasons: Count[str] = Count()
        self._seen_lost = self._seen_late = 0

    def read(self, deliveries: Sequence[AnyDelivery], lost: int, late: int, undecodable: Count[str]) -> None:
        """After a read: what came, and the sums since the start of what did not."""
        for delivery in deliveries:
            if isinstance(delivery, Delivery):
                self._latency.observe(delivery.latency_s)
        self._lost.inc(lost - self._seen_lost)
        self._late.inc(late - self._seen_late)
        for reason, count in (undecodable - self._seen_reasons).items():
            self._undecodable.labels(reason).inc(count)
        self._seen_lost, self._seen_late, self._seen_reasons = lost, late, undecodable

    def wrote(self, records: int, size: int, seconds: float, lag_s: float) -> None:
        """After a batch of so many bytes, where the sink counts them: its newest record was published so many seconds ago."""
        self._records.inc(records)
        self._bytes.inc(size)
        self._batches.inc()
        self._seconds.observe(seconds)
        self._lag.set(max(0.0, lag_s))
        self._waiting.set(0)

    def failed(self, reason: Literal["unavailable", "refused"]) -> None:
        """A batch was not taken."""
        self._errors.labels(*self._labels, reason).inc()
        self._waiting.set(1)


class LogMetrics(SinkMetrics):
    """The same with the names that `fer-consumer log` had before there were other sinks."""

    def __init__(self, kind: str, of: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__(kind, of, registry)
        self._logged = Counter("fer_results_logged_total", "Results written to the log.", registry=registry)
        self._log_bytes = Counter("fer_log_bytes_total", "Bytes of JSON lines written to the log.", registry=registry)

    def wrote(self, records: int, size: int, seconds: float, lag_s: float) -> None:
        super().wrote(records, size, seconds, lag_s)
        self._logged.inc(records)
        self._log_bytes.inc(size)
