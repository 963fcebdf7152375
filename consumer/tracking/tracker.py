"""Following faces over the frames of cameras: which face is which, what each looks like over time, and what happens."""

import time
from collections import OrderedDict
from collections.abc import Callable

from ferstream.consumer.tracking.camera_tracks import CameraTracks
from ferstream.consumer.tracking.settings import TrackerSettings
from ferstream.streams.wire.messages import Event, Result

DEFAULTS = TrackerSettings()


class FaceTracker:
    """Numbers the faces of each camera, smooths their emotions, and tells of each that it appeared, changed and left.

    Faces are matched by where they are and how they move, and by nothing of what they look like: a track is no identity. Boxes
    are matched in two passes by score (ByteTrack, Zhang et al. 2022) to where a Kalman filter expects them (SORT, Bewley et al.
    2016). Give it results in order of capture, as a subscriber with `order_window_s` does.
    Time is media time where a result has one, else capture time.

    Args:
        smooth_s: time constant of the smoothing, in seconds; 0 smooths nothing.
        least_probability: a face whose smoothed emotions are all less likely is `unknown`.
        margin, dwell_s: an emotion takes the place of another when it is more likely by `margin`, for `dwell_s` seconds.
        timeout_s: a face unseen for so many seconds has left.
        silence_s: a camera that gives no result for so long, by this machine's clock, is forgotten; its tracks end.

    Examples:
        >>> from ferstream import FaceTracker, ResultSubscriber
        >>> tracker = FaceTracker(smooth_s=1.0)
        >>> with ResultSubscriber("redis://localhost:6379", from_="0", order_window_s=0.5, idle_timeout_s=1) as subscriber:
        ...     for result in subscriber:
        ...         result, events = tracker.update(result)
        ...         for face in result.faces:
        ...             print(result.camera_id, "track", face.track, face.emotion)
        door track 1 happiness
    """

    def __init__(
        self,
        smooth_s: float = DEFAULTS.smooth_s,
        *,
        least_probability: float = DEFAULTS.least_probability,
        margin: float = DEFAULTS.margin,
        dwell_s: float = DEFAULTS.dwell_s,
        timeout_s: float = DEFAULTS.timeout_s,
        silence_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = TrackerSettings(
            smooth_s=smooth_s, least_probability=least_probability, margin=margin, dwell_s=dwell_s, timeout_s=timeout_s
        )
        self._silence_s, self._clock = silence_s, clock
        self._cameras: OrderedDict[str, tuple[float, CameraTracks]] = OrderedDict()  # and when it last gave a result

    def update(self, result: Result) -> tuple[Result, tuple[Event, ...]]:
        """Take in a result, in order of capture for each camera.

        A repeat of a camera's last result, and one from before it, changes nothing: it comes back as it is, with no events.

        Returns:
            The result, each face with the number of its `track`, smoothed probabilities and the emotion that the track is named
            by; and what happened, also to tracks of other cameras, where those fell silent. A track is numbered at once; its
            face has appeared when it was seen again.
        """
        silent = self.end_silent()
        _, tracks = self._cameras.get(result.camera_id, (0.0, CameraTracks()))
        shown, told = tracks.update(result, self._settings)
        self._keep(result.camera_id, tracks)
        return shown, (*silent, *told)

    def finish(self, camera_id: str | None = None) -> tuple[Event, ...]:
        """End the open tracks of a camera, or of all. What came before stays known: a repeat of it changes nothing.

        Returns:
            What is told of them: that they left when they were last seen.
        """
        chosen = list(self._cameras) if camera_id is None else [camera_id]
        return tuple(event for name in chosen if name in self._cameras for event in self._cameras[name][1].end(name))

    def end_silent(self) -> tuple[Event, ...]:
        """Forget the cameras that are silent, and end their tracks. `update` does it too; this is for when nothing comes."""
        told: list[Event] = []
        while self._cameras:
            camera_id, (heard_at, tracks) = next(iter(self._cameras.items()))
            if self._clock() - heard_at < self._silence_s:
                break
            told += tracks.end(camera_id)
            del self._cameras[camera_id]
        return tuple(told)

    def following(self, camera_id: str) -> tuple[int, ...]:
        """Numbers of the camera's tracks that have not left, also of those that are out of sight just now."""
        _, tracks = self._cameras.get(camera_id, (0.0, CameraTracks()))
        return tuple(sorted(track.number for track in tracks.tracks if track.confirmed))

    def since(self, camera_id: str) -> dict[int, float]:
        """When the camera's tracks that have not left were seen first, in seconds since the epoch."""
        _, tracks = self._cameras.get(camera_id, (0.0, CameraTracks()))
        return {track.number: track.first.at for track in tracks.tracks}

    def save(self, camera_id: str) -> bytes:
        """All that is known of a camera, for `load`. Of one that is unknown too: nothing, as bytes."""
        _, tracks = self._cameras.get(camera_id, (0.0, CameraTracks()))
        return tracks.save()

    def load(self, camera_id: str, state: bytes) -> None:
        """Go on with a camera where the tracker that saved it stood, which needs the same settings.

        Raises:
            StateError: where these bytes are not what `save` of this version gives. The camera is as before then.
        """
        self._keep(camera_id, CameraTracks.load(camera_id, state))

    def _keep(self, camera_id: str, tracks: CameraTracks) -> None:
        self._cameras[camera_id] = (self._clock(), tracks)
        self._cameras.move_to_end(camera_id)
