"""What a sink says in `fer:sinks`; the status is its lease of its consumer group."""

from dataclasses import dataclass

from ferstream.streams.frames.status_board import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStatus(Status):
    """A sink that must be the only member of its group: `kind` is postgresql, say, and `of` results or minutes."""

    group: str
    kind: str
    of: str
    version: str = ""
