"""What a fleet is asked to do, and arithmetic on it that a person can check by hand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a fleet is asked to do. `faces` is the mean in a frame.

    `headroom` is the share of what was measured that is planned with.
    """

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


@dataclass(frozen=True, slots=True)
class Step:
    """One figure of a worksheet: `words` say how it comes about, `numbers` say the same with what was put in."""

    name: str
    words: str
    numbers: str
    value: float
    unit: str


class Worksheet:
    """The steps of a sum, in their order."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, name: str, words: str, numbers: str, value: float, unit: str) -> None:
        """Append one."""
        self._steps.append(Step(name, words, numbers, value, unit))

    def steps(self) -> tuple[Step, ...]:
        """Every step so far."""
        return tuple(self._steps)


def number(value: float) -> str:
    """Four digits, whole numbers whole: enough to check a sum by hand."""
    if value == int(value) or abs(value) >= 10_000:
        return f"{value:.0f}"
    return f"{value:.4g}"
