"""The events that Redis still has and those since, found again by camera, emotion, kind and time."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ferstream.streams.wire.messages import Event

#: Events that are kept, the newest: some 30 MB.
KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events: None is any; `start` to before `end` is when they happened, in seconds since the epoch."""

    camera: str | None = None
    emotion: str | None = None
    kind: str | None = None
    start: float = -math.inf
    end: float = math.inf

    def has(self, event: Event) -> bool:
        return (
            self.camera in (None, event.camera_id)
            and self.emotion in (None, event.emotion)
            and self.kind in (None, event.kind)
            and self.start <= event.at < self.end
        )


class History:
    """Events as they came, the oldest forgotten first."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)

    def add(self, event: Event) -> None:
        self._events.append(event)

    def find(self, wanted: Wanted, limit: int) -> tuple[list[Event], bool]:
        """The newest of them, the newest first, `limit` at most; and whether there are more."""
        found = list(islice(self._matching(wanted), limit + 1))
        return found[:limit], len(found) > limit

    def _matching(self, wanted: Wanted) -> Iterator[Event]:
        return (event for event in reversed(self._events) if wanted.has(event))
