"""What can be set of a tracker."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """How faces are followed and named; docs/tracking.md has what the defaults reach.

    Args:
        smooth_s: time constant of the smoothing, in seconds; 0 smooths nothing.
        least_probability: a face whose smoothed emotions are all less likely is unknown. The packaged classifier's card
            has the same.
        margin: an emotion takes the place of another when it is more likely by so much ...
        dwell_s: ... for so many seconds.
        timeout_s: a face unseen for so long has left; one that comes back sooner, near where it was thought to be, is the same
            track.
        sure_score: boxes of this score or more are matched first.
        confirm_score: a track is confirmed, and its face has appeared, when the scores of its boxes sum to this: when it was
            seen twice, or a third time where they score low.
    """

    smooth_s: float = 0.35
    least_probability: float = 0.508
    margin: float = 0.25
    dwell_s: float = 0.1
    timeout_s: float = 2.0
    sure_score: float = 0.6
    confirm_score: float = 1.2
