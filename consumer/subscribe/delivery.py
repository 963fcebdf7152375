"""A result and where it came from."""

from dataclasses import dataclass

from ferstream.streams.wire.messages import Result


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result and where it came from: what `deliveries` and `batches` of a subscriber give.

    Attributes:
        result: what a worker says of one frame.
        shard: the number of the Redis shard, from 0, whose results stream holds it.
        entry_id: its own entry in that stream ("1700000000000-0"), which also says when it was published.
    """

    result: Result
    shard: int
    entry_id: str

    @property
    def published_at(self) -> float:
        """When the result came out: seconds since the epoch on Redis's clock, as `captured_at` is."""
        return int(self.entry_id.partition("-")[0]) / 1000

    @property
    def latency_s(self) -> float:
        """Seconds from capture to result."""
        return self.published_at - self.result.captured_at
