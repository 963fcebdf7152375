"""What a subscriber reads: results or events, from which streams, and what it gives of each entry."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ferstream.streams.wire.codec import decode_event, decode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Event, Result

M = TypeVar("M", bound=Result | Event)
M_co = TypeVar("M_co", bound=Result | Event, covariant=True)


class Delivered(ABC, Generic[M_co]):
    """A message and where it came from: from the entry `entry_id` of the stream of the Redis shard `shard`."""

    __slots__ = ()
    shard: int
    entry_id: str

    @property
    @abstractmethod
    def message(self) -> M_co:
        """The result or event."""

    @property
    def published_at(self) -> float:
        """When it came out: seconds since the epoch on Redis's clock."""
        return int(self.entry_id.partition("-")[0]) / 1000


@dataclass(frozen=True, slots=True)
class Delivery(Delivered[Result]):
    """A result and where it came from: what `deliveries` and `batches` of a ResultSubscriber give.

    Attributes:
        result: what a worker says of one frame.
        shard: the number of the Redis shard, from 0, whose results stream holds it.
        entry_id: its own entry in that stream ("1700000000000-0"), which also says when it was published.
    """

    result: Result
    shard: int
    entry_id: str

    @property
    def message(self) -> Result:
        return self.result

    @property
    def latency_s(self) -> float:
        """Seconds from capture to result."""
        return self.published_at - self.result.captured_at


@dataclass(frozen=True, slots=True)
class EventDelivery(Delivered[Event]):
    """An event and where it came from: what `deliveries` and `batches` of an EventSubscriber give.

    Attributes:
        event: what happened to a track.
        shard: the number of the Redis shard, from 0, whose stream of events holds it.
        entry_id: its own entry in that stream ("1700000000000-0"), which also says when it was published.
    """

    event: Event
    shard: int
    entry_id: str

    @property
    def message(self) -> Event:
        return self.event


D = TypeVar("D", bound=Delivered[Any])


@dataclass(frozen=True, slots=True)
class Source(Generic[M, D]):
    """One kind of message: where it is, how an entry of it is read, and how its subscriber tells one from another.

    `stream` names the stream of a shard, `name` is what two entries share that say the same of a camera, and `moment` is when it
    was, in seconds, and its frame: what the messages of a camera are put in order by.
    """

    word: str
    stream: Callable[[Keys, int], str]
    decode: Callable[[str, Mapping[bytes, bytes]], M]
    delivery: Callable[[M, int, str], D]
    name: Callable[[M], Hashable]
    moment: Callable[[M], tuple[float, int]]


#: The capture time is part of a result's name, so that a producer that starts to count anew repeats nothing.
RESULTS: Source[Result, Delivery] = Source(
    "result",
    Keys.results,
    decode_result,
    Delivery,
    lambda result: (result.sequence, result.captured_at),
    lambda result: (result.captured_at, result.sequence),
)
EVENTS: Source[Event, EventDelivery] = Source(
    "event", Keys.events, decode_event, EventDelivery, lambda event: event.event_id, lambda event: (event.at, event.sequence)
)
