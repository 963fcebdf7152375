"""What can be asked of a place that keeps records: frames, minutes and tracks of cameras and a time. Nothing in it is changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from ferstream.consumer.records.minute import Minute
from ferstream.consumer.report.numbers.seen import Seen


@dataclass(frozen=True, slots=True)
class Asked:
    """Records from `start` until before `end`, seconds since the epoch, of some cameras, or of all where none is named."""

    start: float
    end: float
    cameras: tuple[str, ...] = ()


class TrackEnd(NamedTuple):
    """A track has ended, and was so long."""

    at: float
    event_id: str
    camera_id: str
    length_s: float


class Kept(Protocol):
    """A store that is read. Every method raises SinkError where it cannot be."""

    name: str  # without a password

    def frames(self, asked: Asked) -> Iterator[Seen]:
        """Frames of results, in order of time as far as the store is."""

    def minutes(self, asked: Asked) -> Iterator[Minute]:
        """Minutes, in order of time as far as the store is."""

    def track_ends(self, asked: Asked) -> Iterator[TrackEnd]:
        """Tracks that ended in that time."""

    def close(self) -> None:
        """Let go of it."""


class FaceRow(NamedTuple):
    """The columns of a row of results that a report needs; `emotion` is None for a frame without faces."""

    at: float
    camera_id: str
    sequence: int
    emotion: str | None
    track: int | None


def seen_in(rows: Iterable[FaceRow]) -> Iterator[Seen]:
    """Frames from rows of faces, those of one frame one after the other."""
    for (at, camera_id, sequence), faces in groupby(rows, lambda row: row[:3]):
        emotions, tracks = [], []
        for face in faces:
            if face.emotion is not None:
                emotions.append(face.emotion)
            if face.track is not None:
                tracks.append(face.track)
        yield Seen(at, sequence, camera_id, tuple(emotions), tuple(tracks))


def minute_of_row(row: dict[str, Any], start: float) -> Minute:
    """A minute as a table has it."""
    return Minute(
        camera_id=row["camera_id"],
        start=start,
        seconds=row["seconds"],
        results=row["results"],
        people_max=row["people_max"],
        people_mean=row["people_mean"],
        faces=row["faces"],
        emotion_seconds={name[2:]: value for name, value in row.items() if name.startswith("s_")},
        unknown_share=row["unknown_share"],
        coverage=row["coverage"],
    )
