"""From results to what a tracker and a rule make of them: tracked results, events, alerts."""

from collections.abc import Sequence

from ferstream.consumer.records.rows import Record
from ferstream.consumer.rules.alerts import Alerts
from ferstream.consumer.sinks.preparation import AnyDelivery, Filter
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.wire.messages import Result


class Following:
    """Follows faces on their way to a sink: gives tracked results, what happens to tracks, and the alerts of a rule.

    Tracks are kept in memory: after a restart every face appears anew, and the time of a rule begins anew. For events that
    outlive a restart there is `fer-consumer track`. It needs all results of a camera, in order of capture.
    """

    def __init__(self, tracker: FaceTracker, keep: Filter, alerts: Alerts | None = None, *, only_alerts: bool = False) -> None:
        self._tracker, self._keep, self._alerts, self._only_alerts = tracker, keep, alerts, only_alerts
        self._records: list[Record] = []
        self._done: list[AnyDelivery] = []

    def take(self, deliveries: Sequence[AnyDelivery]) -> None:
        """Take in what was read, which are results."""
        self._done += deliveries
        for delivery in deliveries:
            if isinstance(delivery.message, Result):
                self._follow(delivery.message)

    def give(self) -> tuple[list[Record], list[AnyDelivery]]:
        """The records to write next, and the deliveries that are done with once these are written."""
        silent = self._tracker.end_silent()
        if not self._only_alerts:
            self._records += filter(None, map(self._keep.event, silent))
        records, done = self._records, self._done
        self._records, self._done = [], []
        return records, done

    def _follow(self, result: Result) -> None:
        shown, events = self._tracker.update(result)
        if not self._only_alerts:
            # The state of a camera is told of all its faces: a filter of faces is for its events.
            self._records += [shown, *filter(None, map(self._keep.event, events))]
        if self._alerts is not None:
            self._records += filter(None, map(self._keep.event, self._alerts.update(shown)))
