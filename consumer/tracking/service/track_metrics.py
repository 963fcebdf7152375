"""What `fer-consumer track` tells Prometheus."""

from collections.abc import Callable, Collection, Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from ferstream.streams.service.metrics import CameraLabels
from ferstream.streams.wire.messages import Event, Result

#: Between two sightings of a face further apart than this, nobody knows what it looked like.
LONGEST_GAP_S = 2.0


class TrackMetrics:
    """Counters and gauges of one process. Each camera is told of by one thread at a time."""

    def __init__(self, camera_labels: bool = True, registry: CollectorRegistry = REGISTRY) -> None:
        self._label: Callable[[str], str] = CameraLabels().__getitem__ if camera_labels else (lambda _camera_id: "")
        self._seconds = Counter(
            "fer_track_emotion_seconds_total",
            "Seconds that faces were seen with an emotion, smoothed; of two faces both count.",
            ["camera", "emotion"],
            registry=registry,
        )
        self._faces = Gauge("fer_track_faces", "Faces that are followed now.", ["camera"], registry=registry)
        self._events = Counter("fer_track_events_total", "Events of tracks that were published.", ["kind"], registry=registry)
        self._lag = Gauge(
            "fer_track_lag_seconds", "How far behind the results of a shard its tracks are.", ["shard"], registry=registry
        )
        self._shards = Gauge("fer_track_shards", "Shards whose cameras this tracker follows.", registry=registry)
        self._seen: dict[str, dict[int, float]] = {}  # of each camera: when each of its tracks was seen last
        self._shown: dict[str, int] = {}

    def took_in(self, result: Result, followed: Collection[int]) -> None:
        """A result was taken in, whose faces have their tracks; `followed` are all tracks of its camera that have not left."""
        now = result.captured_at if result.media_time is None else result.media_time
        before = self._seen.get(result.camera_id, {})
        label, seen = self._label(result.camera_id), {}
        for face in result.faces:
            if face.track is not None:
                gap_s = now - before.get(face.track, now)
                if 0 < gap_s <= LONGEST_GAP_S:
                    self._seconds.labels(label, face.emotion).inc(gap_s)
                seen[face.track] = now
        self._seen[result.camera_id] = {track: at for track, at in before.items() if track in followed} | seen
        self._show(result.camera_id, len(followed))

    def published(self, events: Iterable[Event]) -> None:
        """Events are out."""
        for event in events:
            self._events.labels(event.kind).inc()

    def lags(self, shard: int, seconds: float) -> None:
        """How far behind a shard is."""
        self._lag.labels(str(shard)).set(seconds)

    def left(self, cameras: Iterable[str]) -> None:
        """Nobody is followed any more in front of these cameras, or not by this process."""
        for camera_id in cameras:
            self._seen.pop(camera_id, None)
            self._show(camera_id, 0)

    def has_shards(self, count: int) -> None:
        """So many shards are this process's now."""
        self._shards.set(count)

    def let_go(self, shard: int, cameras: Iterable[str]) -> None:
        """Another process has the shard from now on, or nobody."""
        self.left(cameras)
        self._lag.remove(str(shard))

    def _show(self, camera_id: str, faces: int) -> None:
        """Where several cameras share a label, their sum."""
        self._faces.labels(self._label(camera_id)).inc(faces - self._shown.get(camera_id, 0))
        if faces:
            self._shown[camera_id] = faces
        else:
            self._shown.pop(camera_id, None)
