"""The figures of a report: those of one camera, and of all together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ferstream.consumer.report.numbers.timeline import Timeline
from ferstream.consumer.report.numbers.track_lengths import CLASSES, TrackLengths
from ferstream.streams.wire.emotions import NAMES, UNKNOWN


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A stretch of time without results; the longest compare highest."""

    seconds: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """All gaps of a camera, of which the longest are listed, in order of time."""

    count: int = 0
    seconds: float = 0.0
    listed: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was seen by one camera, or by all: `observed_s` is the time asked about, `covered_s` that with results.

    `tracks` is None where the records tell nothing of tracks, `timeline` where cameras have no common time, as files have none.
    `results` and `faces` are those of the frames in the time asked about.
    """

    name: str
    observed_s: float
    covered_s: float
    results: int
    faces: int
    emotion_seconds: dict[str, float]
    people_max: int
    tracks: TrackLengths | None
    timeline: Timeline | None
    gaps: Gaps = field(default_factory=Gaps)

    @property
    def people_seconds(self) -> float:
        """Seconds of faces: two for one second are two."""
        return sum(self.emotion_seconds.values())

    @property
    def people_mean(self) -> float:
        """Faces in a picture on average, while there were results."""
        return self.people_seconds / self.covered_s if self.covered_s else 0.0

    @property
    def coverage(self) -> float:
        """Share of the time asked about for which there are results."""
        return min(1.0, self.covered_s / self.observed_s) if self.observed_s else 0.0

    @property
    def shares(self) -> dict[str, float]:
        """Of the time of all faces, the share of each emotion and of `unknown`; all 0 without faces, else they sum to 1."""
        total = self.people_seconds
        return {name: seconds / total if total else 0.0 for name, seconds in self.emotion_seconds.items()}

    @property
    def unknown_share(self) -> float:
        return self.shares[UNKNOWN]

    def message(self) -> dict[str, Any]:
        """JSON-ready; seconds and shares to six digits."""
        tracks = self.tracks
        return {
            "observed_seconds": round(self.observed_s, 6),
            "covered_seconds": round(self.covered_s, 6),
            "coverage": round(self.coverage, 6),
            "results": self.results,
            "faces": self.faces,
            "people_max": self.people_max,
            "people_mean": round(self.people_mean, 6),
            "emotion_seconds": {name: round(value, 6) for name, value in self.emotion_seconds.items()},
            "shares": {name: round(value, 6) for name, value in self.shares.items()},
            "unknown_share": round(self.unknown_share, 6),
            "tracks": None
            if tracks is None
            else {
                "count": tracks.count,
                "mean_seconds": round(tracks.mean_s, 6),
                "longest_seconds": round(tracks.longest_s, 6),
                "lengths": dict(zip(CLASSES, tracks.classes, strict=True)),
            },
            "gaps": {
                "count": self.gaps.count,
                "seconds": round(self.gaps.seconds, 6),
                "listed": [{"start": round(gap.start, 6), "seconds": round(gap.seconds, 6)} for gap in self.gaps.listed],
            },
        }


def all_together(cameras: Sequence[Figures]) -> Figures:
    """The sums over cameras. Someone whom two cameras saw counts for both."""
    known = [figures.tracks for figures in cameras if figures.tracks is not None]
    tracks = TrackLengths() if known else None
    for lengths in known:
        assert tracks is not None
        tracks.join(lengths)
    return Figures(
        name="all",
        observed_s=sum(figures.observed_s for figures in cameras),
        covered_s=sum(figures.covered_s for figures in cameras),
        results=sum(figures.results for figures in cameras),
        faces=sum(figures.faces for figures in cameras),
        emotion_seconds={name: sum(figures.emotion_seconds[name] for figures in cameras) for name in NAMES},
        people_max=max((figures.people_max for figures in cameras), default=0),
        tracks=tracks,
        timeline=_common([figures.timeline for figures in cameras if figures.timeline is not None]),
        gaps=Gaps(sum(figures.gaps.count for figures in cameras), sum(figures.gaps.seconds for figures in cameras)),
    )


def _common(timelines: Sequence[Timeline]) -> Timeline | None:
    periods = {timeline.period for timeline in timelines}
    if len(periods) != 1 or next(iter(periods)).is_media:
        return None
    together = Timeline(timelines[0].period)
    together.join(timelines)
    return together
