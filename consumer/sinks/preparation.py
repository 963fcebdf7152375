"""From what a subscriber gives to what a sink writes: all of it, what a filter lets through, or minutes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ferstream.consumer.records.rows import Record
from ferstream.consumer.subscribe.sources import Delivery, EventDelivery
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.streams.wire.messages import Event, Result

AnyDelivery = Delivery | EventDelivery

#: Where faces are followed, results are put into the order of capture within so many seconds: workers publish a little out of it.
ORDER_WINDOW_S = 0.5


class ResultTracker(Protocol):
    """What follows faces: a FaceTracker."""

    def update(self, result: Result) -> tuple[Result, tuple[Event, ...]]:
        """The result with its tracks, and what happened to them."""


class Preparation(Protocol):
    """What is between a subscriber and a sink."""

    def take(self, deliveries: Sequence[AnyDelivery]) -> None:
        """Take in what was read."""

    def give(self) -> "tuple[list[Record], list[AnyDelivery]]":
        """The records to write next, and the deliveries that are done with once these are written."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which faces and events are kept: of these emotions (empty: all), and named with at least this probability.

    Of events, `only_changes` keeps changes and alerts, and `least_duration_s` what tells of at least so many seconds.
    """

    emotions: frozenset[str] = frozenset()
    least_probability: float = 0.0
    only_changes: bool = False
    least_duration_s: float = 0.0

    def __bool__(self) -> bool:
        return self != Filter()

    def kept(self, message: Result | Event) -> Result | Event | None:
        """What is kept of a message."""
        if not self:
            return message
        return self.event(message) if isinstance(message, Event) else self.result(message)

    def result(self, result: Result) -> Result | None:
        """The result with the faces that are kept; None where none is."""
        faces = tuple(face for face in result.faces if self._keeps(face.emotion, face.confidence))
        return replace(result, faces=faces) if faces else None

    def event(self, event: Event) -> Event | None:
        """The event, or None where it is left out."""
        if event.duration < self.least_duration_s or (self.only_changes and event.kind not in ("changed", "alert")):
            return None
        mean = event.probabilities[EMOTIONS.index(event.emotion)] if event.emotion in EMOTIONS else None
        return event if self._keeps(event.emotion, mean if event.peak is None else event.peak) else None

    def _keeps(self, emotion: str, probability: float | None) -> bool:
        return (not self.emotions or emotion in self.emotions) and (probability or 0.0) >= self.least_probability


class Everything:
    """Passes on each record, or those that the filter keeps; with a tracker, results as it gives them."""

    def __init__(self, keep: Filter, tracker: ResultTracker | None = None) -> None:
        self._keep, self._tracker = keep, tracker
        self._records: list[Record] = []
        self._done: list[AnyDelivery] = []

    def take(self, deliveries: Sequence[AnyDelivery]) -> None:
        self._done += deliveries
        for delivery in deliveries:
            kept = self._keep.kept(self._tracked(delivery.message))
            if kept is not None:
                self._records.append(kept)

    def give(self) -> tuple[list[Record], list[AnyDelivery]]:
        records, done = self._records, self._done
        self._records, self._done = [], []
        return records, done

    def _tracked(self, message: Result | Event) -> Result | Event:
        return message if self._tracker is None or isinstance(message, Event) else self._tracker.update(message)[0]
