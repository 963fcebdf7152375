"""One face followed over the frames of a camera: where it is, what it looks like, what is told of it."""

from dataclasses import dataclass, replace

from ferstream.consumer.tracking.motion import Motion
from ferstream.consumer.tracking.naming import Naming
from ferstream.consumer.tracking.settings import TrackerSettings
from ferstream.consumer.tracking.sighting import Sighting
from ferstream.consumer.tracking.smoother import Smoother
from ferstream.consumer.tracking.span import Span
from ferstream.streams.wire.emotions import UNKNOWN, Name
from ferstream.streams.wire.messages import Face


@dataclass(slots=True)
class Track:
    """`number` names it within its camera. `whole` tells of all of it, `stretch` of the time since its name last changed.

    `evidence` is the sum of its scores, while it is not confirmed. `moved_to` is the camera's time that `motion` is of.
    """

    number: int
    first: Sighting
    last: Sighting
    motion: Motion
    moved_to: float
    smoother: Smoother
    naming: Naming
    probabilities: tuple[float, ...]
    whole: Span
    stretch: Span
    evidence: float
    confirmed: bool = False

    @classmethod
    def of(cls, number: int, face: Face, seen: Sighting, settings: TrackerSettings) -> "Track":
        """A track that begins."""
        smoother = Smoother()
        smoother.add(face, None, settings.smooth_s)
        probabilities = _smoothed(smoother, face, settings)
        naming = Naming.first(probabilities, not smoother.mostly_unnamed, settings.least_probability)
        track = cls(
            number=number,
            first=seen,
            last=seen,
            motion=Motion.at(face.box),
            moved_to=seen.elapsed,
            smoother=smoother,
            naming=naming,
            probabilities=probabilities,
            whole=Span(seen.at),
            stretch=Span(seen.at),
            evidence=face.score,
        )
        track._tell(face, seen)
        return track

    def predict(self, elapsed: float) -> None:
        """Move on to the camera's time `elapsed`."""
        self.motion.predict(elapsed - self.moved_to)
        self.moved_to = elapsed

    def see(self, face: Face, seen: Sighting, settings: TrackerSettings) -> tuple[Name, Span] | None:
        """Take in where and how the face is now. Where its name changed: the one before, and what is told of that time."""
        seconds = seen.elapsed - self.last.elapsed
        for span in (self.whole, self.stretch):
            span.hold(seconds, self.naming.name, self.probabilities)
        self.motion.correct(face.box)
        self.smoother.add(face, seconds, settings.smooth_s)
        self.probabilities = _smoothed(self.smoother, face, settings)
        self.last, self.evidence = seen, self.evidence + face.score
        before, stretch = self.naming.name, self.stretch
        self.naming.update(
            self.probabilities,
            not self.smoother.mostly_unnamed,
            seen.elapsed,
            least=settings.least_probability,
            margin=settings.margin,
            dwell_s=settings.dwell_s,
        )
        changed = self.naming.name != before
        if changed:
            self.stretch = Span(seen.at)
        self._tell(face, seen)
        return (before, stretch) if changed else None

    def shown(self, face: Face) -> Face:
        """The face of a result with the track's number, its smoothed probabilities and its name."""
        return replace(face, track=self.number, probabilities=self.probabilities, emotion=self.naming.name)

    def _tell(self, face: Face, seen: Sighting) -> None:
        for span in (self.whole, self.stretch):
            span.see(self.probabilities, face.quality, seen.sequence, face.box)


def _smoothed(smoother: Smoother, face: Face, settings: TrackerSettings) -> tuple[float, ...]:
    """A face of which nothing was told yet keeps its own probabilities; so does every one that is told, without smoothing."""
    if settings.smooth_s <= 0 and face.emotion != UNKNOWN:
        return face.probabilities
    return smoother.probabilities() or face.probabilities
