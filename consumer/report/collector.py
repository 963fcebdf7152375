"""From the results of one file to its tables: in the order of frames, faces followed, each frame once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from ferstream.consumer.records.rows import Column
from ferstream.consumer.report.clip_rows import EVENTS, FACES, event_row, face_rows
from ferstream.consumer.report.frame_order import FrameOrder
from ferstream.consumer.report.marks import marks_line
from ferstream.consumer.report.table_file import TableFile, TableFormat
from ferstream.streams.wire.messages import Event, Result

#: Frames without a result that are named.
NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSettings:
    """What is written of one file, and where.

    `folder` and `name` begin the names of the tables. `files` are the names of pictures by their numbers: faces are not followed
    from one picture to the next. `emotions` are those whose faces are written; None for all, and then frames without a face have
    a row too. `first` and `every` are those of FrameOrder.
    """

    folder: Path
    name: str
    format: TableFormat = "csv"
    marks: Path | None = None
    files: tuple[str, ...] | None = None
    emotions: frozenset[str] | None = None
    first: int | None = 0
    every: int = 1


@dataclass(slots=True)
class Collected:
    """What came together of a file."""

    frames: int = 0
    frames_with_faces: int = 0
    faces: int = 0
    events: int = 0
    size: tuple[int, int] = (0, 0)
    media_seconds: float = 0.0
    tracks: set[int] = field(default_factory=set)
    emotions: Counter[str] = field(default_factory=Counter)
    models: dict[str, str] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    next: int | None = None

    def add(self, result: Result, every: int) -> None:
        self.frames += 1
        self.frames_with_faces += bool(result.faces)
        self.faces += len(result.faces)
        self.size, self.models = (result.width, result.height), result.models
        self.media_seconds = result.media_time or 0.0
        self.emotions.update(face.emotion for face in result.faces)
        self.tracks.update(face.track for face in result.faces if face.track is not None)
        self.miss(result.sequence, every)
        self.next = result.sequence + every

    def miss(self, until: int, every: int) -> None:
        """Frames up to that number, which have not come, have no result."""
        if self.next is not None and len(self.missing) < NAMED:
            self.missing += range(self.next, until, every)

    def summary(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "frames": self.frames,
            "frames_with_faces": self.frames_with_faces,
            "faces": self.faces,
            "tracks": len(self.tracks),
            "events": self.events,
            "width": self.size[0],
            "height": self.size[1],
            "media_seconds": round(self.media_seconds, 6),
            "emotions": dict(sorted(self.emotions.items())),
            "models": dict(sorted(self.models.items())),
            "without_result": self.missing[:NAMED],
        }


class Follower(Protocol):
    """What follows faces: a FaceTracker."""

    def update(self, result: Result) -> tuple[Result, tuple[Event, ...]]: ...

    def finish(self) -> tuple[Event, ...]: ...


class Collector:
    """A context. The tables have their names once the block has ended well. Raises WriteError.

    `tracker` is None for pictures, which have nothing to follow.
    """

    def __init__(self, settings: CollectorSettings, tracker: Follower | None) -> None:
        self._settings = settings
        self._order = FrameOrder(settings.first, settings.every)
        self._tracker = tracker
        self.collected = Collected(next=settings.first)
        self._received = 0

    @property
    def received(self) -> int:
        """Results so far."""
        return self._received

    def __enter__(self) -> Self:
        settings = self._settings
        with ExitStack() as stack:
            suffix = f".{settings.format}"
            columns = FACES.columns if settings.files is None else (Column("file", "text"), *FACES.columns)
            self._faces = stack.enter_context(TableFile(settings.folder / f"{settings.name}{suffix}", columns, settings.format))
            self._events = None
            if self._tracker:
                path = settings.folder / f"{settings.name}.events{suffix}"
                self._events = stack.enter_context(TableFile(path, EVENTS.columns, settings.format))
            self._marks = stack.enter_context(settings.marks.open("wb")) if settings.marks else None
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, result: Result) -> None:
        """Take in a result, in any order. Raises FerstreamError where one comes too late or twice."""
        self._received += 1
        for ready in self._order.add(result):
            self._write(ready)

    def finish(self) -> None:
        """No more results will come."""
        for result in self._order.rest():
            self._write(result)
        if self._settings.files is not None:
            self.collected.miss(len(self._settings.files), self._settings.every)
        if self._tracker:
            self._write_events(self._tracker.finish())

    def _write(self, result: Result) -> None:
        events: tuple[Event, ...] = ()
        if self._settings.files is not None:
            result = replace(result, media_time=None)  # pictures have no time
        if self._tracker:
            result, events = self._tracker.update(result)
        self.collected.add(result, self._settings.every)
        self._faces.write(self._rows(result))
        self._write_events(events)
        if self._marks:
            self._marks.write(marks_line(result, self._settings.emotions))

    def _rows(self, result: Result) -> Iterator[tuple[Any, ...]]:
        emotions, files = self._settings.emotions, self._settings.files
        before = () if files is None else (files[result.sequence],)
        for row, face in zip(face_rows(result), result.faces or (None,), strict=True):
            if emotions is None or (face is not None and face.emotion in emotions):
                yield (*before, *row)

    def _write_events(self, events: tuple[Event, ...]) -> None:
        emotions = self._settings.emotions
        kept = [event for event in events if emotions is None or {event.emotion, event.before} & emotions]
        self.collected.events += len(kept)
        if self._events:
            self._events.write(map(event_row, kept))
