"""The faces of one camera, as a page is told of them: named by their tracks, with when these began."""

from ferstream.consumer.dashboard.live.messages import FaceMessage, face_message
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.wire.messages import Result


class FollowedFaces:
    """Follows the faces of one camera. Results may come out of order: an older one is shown with no track."""

    def __init__(self) -> None:
        self._tracker = FaceTracker()
        self._since: dict[int, float] = {}

    def update(self, result: Result) -> list[FaceMessage]:
        """Its faces. `since` is in seconds since the epoch; of a file, in seconds of media time."""
        followed, _ = self._tracker.update(result)
        now = result.captured_at if result.media_time is None else result.media_time
        seen = {face.track for face in followed.faces if face.track is not None}
        open_tracks = seen.union(self._tracker.following(result.camera_id))
        self._since = {track: self._since.get(track, now) for track in open_tracks}
        return [face_message(face, None if face.track is None else self._since[face.track]) for face in followed.faces]
