"""What `fer-consumer log` tells Prometheus."""

from collections import Counter as Count

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.service.metrics import LATENCY_BUCKETS


class LogMetrics:
    """Counters of one log; `observe` brings them up to date."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._logged = Counter("fer_results_logged_total", "Results written to the log.", registry=registry)
        self._bytes = Counter("fer_log_bytes_total", "Bytes of JSON lines written to the log.", registry=registry)
        self._lost = Counter("fer_results_lost_total", "Results that Redis trimmed before they were logged.", registry=registry)
        self._undecodable = Counter(
            "fer_results_undecodable_total", "Result entries that are not what the wire says.", ["reason"], registry=registry
        )
        self._latency = Histogram(
            "fer_result_latency_seconds",
            "From capture to published, of the results logged.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._seen_reasons: Count[str] = Count()
        self._seen_bytes = self._seen_lost = 0

    def observe(self, deliveries: list[Delivery], *, bytes_written: int, lost: int, undecodable: Count[str]) -> None:
        """Bring the metrics up to date after a batch.

        Args:
            deliveries: what was just logged.
            bytes_written, lost: sums since the start.
            undecodable: sums since the start, by reason.
        """
        self._logged.inc(len(deliveries))
        for delivery in deliveries:
            self._latency.observe(delivery.latency_s)
        self._bytes.inc(bytes_written - self._seen_bytes)
        self._lost.inc(lost - self._seen_lost)
        for reason, count in (undecodable - self._seen_reasons).items():
            self._undecodable.labels(reason).inc(count)
        self._seen_bytes, self._seen_lost, self._seen_reasons = bytes_written, lost, undecodable
