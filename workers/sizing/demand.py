"""What a fleet is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is asked for. `faces` is the mean in a frame, `headroom` the share of what was measured that is planned with."""

    cameras: int
    fps: float
    faces: float
    height: str
    frame_bytes: int
    freshness_s: float
    keep_results_s: float
    subscribers: int
    budget_bytes: int | None
    cores: int
    headroom: float
    node_gbit: float
    node_gib: float
    gpu_faces_per_second: float | None = None

    @property
    def rate(self) -> float:
        """Frames a second of all cameras."""
        return self.cameras * self.fps
