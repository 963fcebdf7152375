"""Who looked like what when in front of one camera, from its events: whole again when the server starts anew."""

from collections import deque
from dataclasses import dataclass
from itertools import accumulate

import msgspec

from ferstream.streams.wire.emotions import NAMES
from ferstream.streams.wire.messages import Event

#: How far back it goes, and stretches that are kept.
KEPT_S = 3600.0
MOST_SPANS = 20_000
MOST_OPEN = 256
MOST_LEFT = 100


class Person(msgspec.Struct, frozen=True):
    """A track that has not left: since when (epoch, s), and the emotion that it has now with the means of its probabilities."""

    track: int
    emotion: str
    since: float
    seconds: float
    probabilities: tuple[float, ...]


class TrackThatLeft(msgspec.Struct, frozen=True):
    """A track that left: from `since` on, for `duration` seconds; the emotion that it had for longest, and each one's share."""

    track: int
    since: float
    duration: float
    emotion: str
    shares: dict[str, float]


class Emotions(msgspec.Struct, frozen=True):
    """Of each step of `step` seconds after `start`: how many people had each emotion, on average over the step."""

    start: float = msgspec.field(name="from")
    step: float
    emotions: dict[str, list[float]]


@dataclass(slots=True)
class _Open:
    began: float
    since: float
    emotion: str
    probabilities: tuple[float, ...]


class Timeline:
    """Stretches of time in which a track had one emotion, and the tracks that are there."""

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float, str]] = deque(maxlen=MOST_SPANS)
        self._open: dict[int, _Open] = {}
        self._last_at = 0.0
        self._left: deque[TrackThatLeft] = deque(maxlen=MOST_LEFT)

    def take(self, event: Event) -> None:
        """The next event of the camera."""
        self._last_at = max(self._last_at, event.at)
        if event.kind == "left":
            self._leave(event)
        elif event.kind in ("appeared", "changed"):
            self._go_on(event)

    def end_open(self, at: float) -> None:
        """Nobody is followed any more, since then or since the last event."""
        for track in self._open.values():
            self._close(track, max(at, self._last_at))
        self._open.clear()

    def people(self, now: float) -> list[Person]:
        """Those who are there."""
        return [
            Person(
                track=number,
                emotion=track.emotion,
                since=track.began,
                seconds=round(max(0.0, now - track.began), 1),
                probabilities=track.probabilities,
            )
            for number, track in self._open.items()
        ]

    def left(self) -> list[TrackThatLeft]:
        """Those who left last, the newest first."""
        return list(reversed(self._left))

    def emotions(self, now: float, seconds: float, step: float) -> Emotions:
        """The last `seconds`, in whole steps that begin at a multiple of `step`."""
        count = max(1, round(seconds / step))
        start = (now // step + 1 - count) * step
        rows = {name: _Steps(count) for name in NAMES}
        still = [(track.since, now, track.emotion) for track in self._open.values()]
        for begin, end, name in (*self._spans, *still):
            if name in rows:
                rows[name].add((begin - start) / step, (min(end, now) - start) / step)
        return Emotions(start=start, step=step, emotions={name: row.values() for name, row in rows.items()})

    def _go_on(self, event: Event) -> None:
        before = self._open.get(event.track)
        if event.kind == "changed":
            began = before.began if before else event.since
            self._close(before or _Open(began, event.since, event.before or event.emotion, ()), event.at)
        else:
            began = event.since
        self._open[event.track] = _Open(
            began, event.at if event.kind == "changed" else event.since, event.emotion, event.probabilities
        )
        if len(self._open) > MOST_OPEN:
            self._close(self._open.pop(next(iter(self._open))), event.at)

    def _leave(self, event: Event) -> None:
        track = self._open.pop(event.track, None)
        self._close(track or _Open(event.since, event.since, event.emotion, ()), event.at)
        self._left.append(
            TrackThatLeft(
                track=event.track, since=event.since, duration=event.duration, emotion=event.emotion, shares=event.shares
            )
        )

    def _close(self, track: _Open, at: float) -> None:
        if at > track.since:
            self._spans.append((track.since, at, track.emotion))
        while self._spans and self._spans[0][1] < at - KEPT_S:
            self._spans.popleft()


class _Steps:
    """How much of each step stretches of time cover, summed up; at the same cost whatever their length."""

    def __init__(self, count: int) -> None:
        self._parts = [0.0] * count
        self._whole = [0] * (count + 1)  # how many more cover a step wholly than the one before it

    def add(self, begin: float, end: float) -> None:
        """A stretch, in steps from the first one's begin."""
        count = len(self._parts)
        begin, end = max(0.0, begin), min(float(count), end)
        if begin >= end:
            return
        first, last = int(begin), int(end)
        if first == last:
            self._parts[first] += end - begin
            return
        self._parts[first] += first + 1 - begin
        self._whole[first + 1] += 1
        self._whole[last] -= 1
        if last < count:
            self._parts[last] += end - last

    def values(self) -> list[float]:
        return [round(part + whole, 4) for part, whole in zip(self._parts, accumulate(self._whole), strict=False)]
