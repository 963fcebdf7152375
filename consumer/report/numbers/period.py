"""The time that a report is about, in steps of equal length."""

import math
from dataclasses import dataclass

#: Steps that people read clocks in, in seconds.
NICE_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
#: Steps of a timeline, about. A longer time has more of them: hours are not put together.
_STEPS = 240


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` until before `end`, in steps of `step_s` that begin at `first`, which is `start` or shortly before.

    Seconds since the epoch, or of a file's media time where `is_media`.
    """

    start: float
    end: float
    step_s: float
    first: float
    is_media: bool = False

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def steps(self) -> int:
        return max(1, math.ceil((self.end - self.first) / self.step_s - 1e-9))

    def begin(self, step: int) -> float:
        """When a step begins; the first one may begin before the period does."""
        return self.first + step * self.step_s

    def length(self, step: int) -> float:
        """How much of a step is in the period, in seconds."""
        return min(self.end, self.begin(step + 1)) - max(self.start, self.begin(step))


def period_of(start: float, end: float, offset_s: float = 0.0, *, is_media: bool = False) -> Period:
    """The period with steps that suit its length, and begin at whole ones of a clock that is `offset_s` ahead of UTC."""
    wanted = (end - start) / _STEPS
    step_s = next((step for step in NICE_STEPS if step >= wanted), NICE_STEPS[-1])
    first = math.floor((start + offset_s) / step_s + 1e-9) * step_s - offset_s
    return Period(start, end, step_s, first, is_media)
