"""What a sink is: a place that keeps records, or passes them on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ferstream.consumer.records.minute import Minute
from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.messages import Event, Result

#: What is older than it is to be kept is looked for this often.
RETENTION_CHECK_S = 600.0


class SinkError(FerstreamError):
    """The sink cannot take records, and trying again will not help: rights, a missing table, another version, a full disk."""


class SinkUnavailable(SinkError):
    """The sink cannot take records now: it is down, starting, or out of reach. Trying again may help."""


@dataclass(frozen=True, slots=True)
class CameraPeriod:
    """What is asked for or forgotten: one camera's records from `start` until before `end`, seconds since the epoch."""

    camera_id: str
    start: float
    end: float


class Store(Protocol):
    """A sink that can be asked what it has: of one kind of records."""

    def forget(self, period: CameraPeriod) -> int:
        """Delete what is stored about a camera and a time; returns how many rows that were. Raises SinkError."""

    def read(self, period: CameraPeriod) -> Iterator[dict[str, Any]]:
        """What is stored about a camera and a time, a row at a time, in order of time. Raises SinkError."""

    def close(self) -> None:
        """End it in order. Raises SinkError."""


class Sink(Protocol):
    """One place for records of one kind. Used by one thread."""

    def write(self, records: Sequence[Result] | Sequence[Event] | Sequence[Minute]) -> int | None:
        """Keep the records: durable when it returns. Repeats of what it has are left out, as far as docs/sinks.md says.

        Returns how many bytes that were, where the sink knows.

        Raises SinkUnavailable where trying again may help, and SinkError where not; then any part of the records may be kept,
        and all of them come again.
        """

    def maintain(self) -> None:
        """Do what is due: end a file that is old enough, delete what is older than it is to be kept. Raises as `write`."""

    def close(self) -> None:
        """End it in order. Raises SinkError."""
