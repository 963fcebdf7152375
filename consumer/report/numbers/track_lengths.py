"""How long people were in sight: lengths of tracks, counted in classes so that any number of them fits."""

from collections.abc import Iterable
from dataclasses import dataclass, field

#: Upper ends of the classes, in seconds; the last class has none.
EDGES = (1.0, 3.0, 10.0, 30.0, 60.0, 300.0)
CLASSES = ("under 1 s", "1 to 3 s", "3 to 10 s", "10 to 30 s", "30 to 60 s", "1 to 5 min", "over 5 min")
#: A track that was not seen for so long has ended, and its number may be another one's.
_SILENT_S = 60.0


@dataclass(slots=True)
class TrackLengths:
    """Tracks of one camera, or of several."""

    count: int = 0
    seconds: float = 0.0
    longest_s: float = 0.0
    classes: list[int] = field(default_factory=lambda: [0] * len(CLASSES))

    @property
    def mean_s(self) -> float:
        return self.seconds / self.count if self.count else 0.0

    def add(self, length_s: float) -> None:
        """Count a track."""
        self.count += 1
        self.seconds += length_s
        self.longest_s = max(self.longest_s, length_s)
        self.classes[sum(length_s >= edge for edge in EDGES)] += 1

    def join(self, other: "TrackLengths") -> None:
        """Count all of another's too."""
        self.count += other.count
        self.seconds += other.seconds
        self.longest_s = max(self.longest_s, other.longest_s)
        self.classes = [mine + more for mine, more in zip(self.classes, other.classes, strict=True)]


class OpenTracks:
    """Lengths of the tracks whose numbers stand at the faces of one camera, in order of time."""

    def __init__(self) -> None:
        self.lengths = TrackLengths()
        self._open: dict[int, tuple[float, float]] = {}  # by number, when it was first and last seen
        self._checked_at = float("-inf")

    def see(self, at: float, tracks: Iterable[int]) -> None:
        """The tracks of a frame."""
        for track in tracks:
            first, last = self._open.get(track, (at, at))
            if at - last > _SILENT_S:
                self.lengths.add(last - first)
                first = at
            self._open[track] = (first, at)
        if at - self._checked_at > _SILENT_S:
            self._checked_at = at
            self._end([track for track, (_, last) in self._open.items() if at - last > _SILENT_S])

    def finish(self) -> TrackLengths:
        """The lengths, those of open tracks too."""
        self._end(list(self._open))
        return self.lengths

    def _end(self, tracks: list[int]) -> None:
        for track in tracks:
            first, last = self._open.pop(track)
            self.lengths.add(last - first)
