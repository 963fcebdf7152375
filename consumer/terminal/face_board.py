"""The faces that cameras see now, one row each, for `fer-consumer top`."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ferstream.consumer.subscribe.sources import Delivery
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.wire.messages import Face

#: A face that is in no result of its camera for so long is not shown any more, nor is a camera that gives no result.
GONE_S = 2.0
#: What rates and latencies are counted over.
WINDOW_S = 5.0


@dataclass(slots=True)
class FaceRow:
    """One face: since when it is there, and when it was seen last, in seconds since the epoch on Redis's clock."""

    camera_id: str
    face: Face
    since: float
    seen_at: float


@dataclass(slots=True)
class CameraView:
    """What one camera gave of late. Times are those of capture."""

    heard_at: float = 0.0
    rows: dict[int, FaceRow] = field(default_factory=dict)


class FaceBoard:
    """Takes results in, follows their faces, and says which are there. Time goes on with the newest result."""

    def __init__(self, tracker: FaceTracker) -> None:
        self._tracker = tracker
        self._cameras: dict[str, CameraView] = {}
        self._newest: deque[tuple[float, float]] = deque()  # when each result was captured, and its latency
        self._now = 0.0

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Take in what came, in order of capture for each camera."""
        for delivery in deliveries:
            result, _ = self._tracker.update(delivery.result)
            camera = self._cameras.setdefault(result.camera_id, CameraView())
            at = camera.heard_at = result.captured_at
            for face in result.faces:
                if face.track is not None:
                    row = camera.rows.setdefault(face.track, FaceRow(result.camera_id, face, at, at))
                    row.face, row.seen_at = face, at
            self._newest.append((at, delivery.latency_s))
            self._now = max(self._now, at)
        self._forget()

    def rows(self) -> list[FaceRow]:
        """The faces that are there, by camera and track."""
        return [row for _, camera in sorted(self._cameras.items()) for _, row in sorted(camera.rows.items())]

    def pass_time(self, seconds: float) -> None:
        """So long nothing came: what is shown grows old all the same."""
        self._now += seconds
        self._forget()

    @property
    def empty_cameras(self) -> list[str]:
        """Cameras that are heard and see no face."""
        return sorted(name for name, camera in self._cameras.items() if not camera.rows)

    @property
    def cameras(self) -> int:
        """How many are heard."""
        return len(self._cameras)

    @property
    def results_per_second(self) -> float:
        seconds = self._now - self._newest[0][0] if self._newest else 0.0
        return len(self._newest) / seconds if seconds else 0.0

    @property
    def median_latency_s(self) -> float | None:
        """From capture to result; None where none came of late."""
        latencies = sorted(latency for _, latency in self._newest)
        return latencies[len(latencies) // 2] if latencies else None

    def _forget(self) -> None:
        oldest = self._now - GONE_S
        for name, camera in list(self._cameras.items()):
            camera.rows = {track: row for track, row in camera.rows.items() if row.seen_at >= oldest}
            if camera.heard_at < oldest:
                del self._cameras[name]
        while self._newest and self._newest[0][0] < self._now - WINDOW_S:
            self._newest.popleft()
