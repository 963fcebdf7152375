"""What the dashboard tells Prometheus."""

from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

Dropped = Literal["slow", "wrong-message"]


class DashboardMetrics:
    """Counters and gauges of one process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.viewers = Gauge("fer_dashboard_viewers", "Pages that are connected now.", registry=registry)
        self.messages = Counter("fer_dashboard_messages_sent_total", "Messages sent to pages, pictures too.", registry=registry)
        self.pictures = Counter("fer_dashboard_pictures_sent_total", "Pictures sent to pages.", registry=registry)
        self.skipped = Counter(
            "fer_dashboard_messages_skipped_total",
            "Messages that a page read too slowly for: a newer one took their place.",
            registry=registry,
        )
        self._dropped = Counter(
            "fer_dashboard_viewers_dropped_total", "Pages whose connection was ended.", ["reason"], registry=registry
        )
        self.undecodable = Counter(
            "fer_dashboard_undecodable_total", "Results and events that are not what the wire says.", registry=registry
        )
        for reason in ("slow", "wrong-message"):
            self._dropped.labels(reason)

    def dropped(self, reason: Dropped) -> None:
        """A viewer's connection was ended by us."""
        self._dropped.labels(reason).inc()
