"""What a tracker says in `fer:trackers`: of itself, and of each shard that it has; the latter is its lease of the shard."""

from dataclasses import dataclass

from ferstream.streams.frames.status_board import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerStatus(Status):
    """One tracker, the holder; `shard` is the one that it has, None where it speaks of itself."""

    shard: int | None = None
    cameras: int = 0
    faces: int = 0  # followed now
    lag_s: float = 0.0  # age of the newest result that was taken in, when it was
    version: str = ""
