"""Minutes of results: statistics of each camera, and nothing of one face."""

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from ferstream.consumer.records.minute import Minute
from ferstream.consumer.records.rows import Record, calendar_time
from ferstream.consumer.sinks.preparation import AnyDelivery, Filter, ResultTracker
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.wire.emotions import UNKNOWN
from ferstream.streams.wire.messages import Result

MINUTE_S = 60.0
#: A result stands for the time until the next one, and for this much at most.
LONGEST_S = 1.0
#: A minute is over when its shard published something so much later: a result is published seconds after its capture.
LATE_S = 15.0
#: Or when nothing came for it for so long.
QUIET_S = 75.0
#: Minutes that are remembered as closed: what is later than late does not open them again.
_REMEMBERED = 100_000
#: With --min-people, a group must have been there for so much of the minute.
GROUP_S = 30.0

_Key = tuple[str, float]


@dataclass(slots=True)
class _Open:
    """A minute that is not over: what was seen when, and what is done with once it is written."""

    seen: dict[tuple[int, float], tuple[str, ...]] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    touched_at: float = 0.0


class MinutePreparation:
    """Makes minutes of results. A result is done with when its minute is written.

    Results come in order of capture for each camera, as a subscriber with `order_window_s` gives them; latecomers count too, as
    long as their minute is open. With `min_people` of 2 or
    more, only frames with so many faces count, minutes with less than GROUP_S of these are left out, and numbers come in steps
    that hide one person: see docs/sinks.md.
    """

    def __init__(self, keep: Filter, tracker: ResultTracker, min_people: int = 0, registry: CollectorRegistry = REGISTRY) -> None:
        self._keep, self._tracker, self._min_people = keep, tracker, min_people
        self._left_out = Counter(
            "fer_minute_results_left_out_total", "Results that came after their minute was written.", registry=registry
        )
        self._open: dict[_Key, _Open] = {}
        self._closed: dict[_Key, None] = {}
        self._published: dict[int, float] = {}
        self._done: list[AnyDelivery] = []

    def take(self, deliveries: Sequence[AnyDelivery]) -> None:
        """Take in results."""
        for delivery in deliveries:
            assert isinstance(delivery, Delivery)
            at = self._published.get(delivery.shard, 0.0)
            self._published[delivery.shard] = max(at, delivery.published_at)
            self._take(delivery)

    def give(self) -> tuple[list[Record], list[AnyDelivery]]:
        """The minutes that are over, and the results that are in them."""
        over = [key for key, minute in self._open.items() if self._is_over(key, minute)]
        records: list[Record] = []
        for key in over:
            minute = self._open.pop(key)
            self._closed[key] = None
            self._done += minute.deliveries
            made = minute_of(key[0], key[1], minute.seen, self._min_people)
            if made is not None:
                records.append(made)
        while len(self._closed) > _REMEMBERED:
            del self._closed[next(iter(self._closed))]
        done, self._done = self._done, []
        return records, done

    def _take(self, delivery: Delivery) -> None:
        result, _ = self._tracker.update(delivery.result)
        captured_at = calendar_time(result.captured_at)
        key = (result.camera_id, math.floor((captured_at or 0.0) / MINUTE_S) * MINUTE_S)
        if captured_at is None or key in self._closed:  # too late for its minute, which is written
            self._left_out.inc()
            self._done.append(delivery)
            return
        minute = self._open.setdefault(key, _Open())
        minute.deliveries.append(delivery)
        minute.touched_at = time.monotonic()
        minute.seen[result.sequence, captured_at] = self._names(result)

    def _names(self, result: Result) -> tuple[str, ...]:
        kept = self._keep.result(result) if self._keep else result
        return () if kept is None else tuple(face.emotion for face in kept.faces)

    def _is_over(self, key: _Key, minute: _Open) -> bool:
        published_at = self._published[minute.deliveries[-1].shard]
        return published_at >= key[1] + MINUTE_S + LATE_S or time.monotonic() - minute.touched_at > QUIET_S


def minute_of(camera_id: str, start: float, seen: dict[tuple[int, float], tuple[str, ...]], min_people: int = 0) -> Minute | None:
    """The statistics of what was seen: names of faces by frame and time. None where the group was too small for too long."""
    frames = sorted((at, names) for (_, at), names in seen.items())
    ends = [*(at for at, _ in frames[1:]), start + MINUTE_S]
    lasted = [min(LONGEST_S, max(0.0, end - at)) for (at, _), end in zip(frames, ends, strict=True)]
    covered = sum(lasted)
    group = [(names, seconds) for (_, names), seconds in zip(frames, lasted, strict=True) if len(names) >= min_people]
    together = sum(seconds for _, seconds in group)
    if min_people > 1 and together < GROUP_S:
        return None
    emotion_seconds: dict[str, float] = defaultdict(float)
    for names, seconds in group:
        for name in names:
            emotion_seconds[name] += seconds
    people_seconds = sum(emotion_seconds.values())
    minute = Minute(
        camera_id=camera_id,
        start=start,
        seconds=MINUTE_S,
        results=len(frames),
        people_max=max((len(names) for names, _ in group), default=0),
        people_mean=people_seconds / together if together else 0.0,
        faces=sum(len(names) for names, _ in group),
        emotion_seconds=dict(emotion_seconds),
        unknown_share=emotion_seconds[UNKNOWN] / people_seconds if people_seconds else 0.0,
        coverage=min(1.0, covered / MINUTE_S),
    )
    return coarse(minute, min_people, together) if min_people > 1 else minute


def coarse(minute: Minute, step: int, together: float) -> Minute:
    """The same in steps of `step` people and shares of 1/step, rounded down: what only a joiner shows is never told.

    What says more of people than that is 0: how many faces there were, and the seconds are those of the counted people.
    """
    people = minute.people_max // step * step
    total = sum(minute.emotion_seconds.values())
    seconds = round(together / 10) * 10.0 * people
    shares = {name: math.floor(value / total * step + 1e-9) / step for name, value in minute.emotion_seconds.items()}
    return Minute(
        camera_id=minute.camera_id,
        start=minute.start,
        seconds=minute.seconds,
        results=minute.results,
        people_max=people,
        people_mean=float(math.floor(minute.people_mean / step) * step),
        faces=0,
        emotion_seconds={name: share * seconds for name, share in shares.items() if share},
        unknown_share=shares.get(UNKNOWN, 0.0),
        coverage=minute.coverage,
    )
