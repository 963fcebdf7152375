"""A frame on its way through a worker, and how it can end: answered, expired or dead."""

import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from ferstream.streams.frames.reader import Entry
from ferstream.streams.service.logs import about
from ferstream.streams.wire.messages import Face, Frame, Preview
from ferstream.workers.faces.crop import FaceCrop
from ferstream.workers.models.detector import Picture

Outcome = Literal["answered", "expired", "dead"]


@dataclass(slots=True, eq=False)
class FrameTask:
    """A frame with what the stages have found out so far.

    One stage at a time works on it. Its faces are the exception: several threads classify them side by side, under a lock.
    """

    entry: Entry
    frame: Frame | None = None  # None: the entry could not be read
    picture: Picture | None = field(default=None, repr=False)  # RGB; dropped as soon as the faces are cut out
    faces: list[Face | None] = field(default_factory=list)
    preview: Preview | None = None  # for who looks at the camera, until `watched_until` on Redis's clock
    watched_until: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    outcome: Outcome = "answered"
    ended: bool = False
    reason: str = ""  # of a dead letter: a word for metrics
    detail: str = ""
    batches: list[str] = field(default_factory=list)  # traceparents of the models' batches that it was in, if it is traced
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def camera_id(self) -> str:
        return self.frame.header.camera_id if self.frame else ""

    @property
    def deadline(self) -> float:
        return self.frame.header.deadline if self.frame else float("inf")

    @property
    def traceparent(self) -> str | None:
        return self.frame.header.traceparent if self.frame else None

    @property
    def log_fields(self) -> dict[str, Any]:
        """For `extra` of a log call."""
        header = self.frame.header if self.frame else None
        return about(header.camera_id, header.sequence, header.traceparent) if header else {}

    def expect(self, faces: int) -> None:
        """`faces` answers are awaited before the frame is whole."""
        self.faces = [None] * faces

    def add_face(self, index: int, face: Face) -> bool:
        """Put the answer for one face in its place; True where it was the last one awaited."""
        with self._lock:
            self.faces[index] = face
            return None not in self.faces

    def end(self, outcome: Outcome, reason: str = "", detail: str = "") -> bool:
        """Say how the frame ended; False, and nothing changes, where that was said before: a frame ends once.

        Of a dead letter, `reason` is a word for metrics and `detail` a line for people.
        """
        with self._lock:
            if self.ended:
                return False
            self.ended, self.picture = True, None
            self.outcome, self.reason, self.detail = outcome, reason, detail
            return True

    def die(self, reason: str, detail: str) -> "FrameTask":
        """End as a dead letter."""
        self.end("dead", reason, detail)
        return self

    def expire(self) -> "FrameTask":
        """End past its deadline; an answer that is there but was not published is too late."""
        self.ended, self.outcome, self.picture = True, "expired", None
        return self


@dataclass(slots=True, eq=False)
class FaceTask:
    """One face of a frame, the `index`-th, waiting for its emotion."""

    task: FrameTask
    index: int
    crop: FaceCrop

    @property
    def done(self) -> bool:
        """Whether there is nothing to be found out any more: it has its emotion, or its frame has ended without."""
        return self.task.ended or self.task.faces[self.index] is not None
