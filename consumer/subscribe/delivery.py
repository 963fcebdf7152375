"""A result together with the stream entry that brought it."""

from dataclasses import dataclass

from ferstream.streams.wire.messages import Result


@dataclass(frozen=True, slots=True)
class Delivery:
    """`entry_id` is the result's own entry in its shard's results stream."""

    result: Result
    shard: int
    entry_id: str

    @property
    def published_at(self) -> float:
        """When the result came out: seconds since the epoch on Redis's clock, as `captured_at` is."""
        return int(self.entry_id.partition("-")[0]) / 1000

    @property
    def latency_s(self) -> float:
        """From capture to result."""
        return self.published_at - self.result.captured_at
