"""What a worker says of itself in `fer:workers`; the status is its lease of its --name."""

from dataclasses import dataclass, field

from ferstream.streams.frames.status_board import Status

#: A worker that vanished without leaving is told of for so long, then forgotten by the next who works: most names have a process
#: id or a pod's, nobody will ever take them again, and others have long since done what it held. Where nobody works, it stays.
FORGET_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus(Status):
    """One worker as it sees itself. `state` is warming up, ready, draining, or what keeps it from reading or answering."""

    name: str
    state: str
    device: str
    runtime: str
    precision: str
    models: dict[str, str] = field(default_factory=dict)
    frames_per_second: float = 0.0  # results that ended a frame, over the last seconds
    busy: float = 0.0  # share of the last second that the busiest stage worked
    held: int = 0  # frames between read and answer
    previews: str = "off"  # plain or blur, where it makes some
    version: str = ""
    prefix: str = "fer"
    shards: tuple[int, ...] = (0,)
    group: str = "workers"
