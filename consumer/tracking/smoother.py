"""Smoothing the probabilities of a face over time: single frames flicker, expressions last."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from ferstream.consumer.tracking.tracker import moment
from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN
from ferstream.streams.wire.messages import Face, Result

#: Tracks remembered; the one unseen for longest is forgotten first.
TRACKS = 10_000
#: A face is named by more than half: probabilities are calibrated, and a name under one half is likelier wrong than right. There
#: the cards of models draw their line for a single face too (`least_probability`, 0.508 of the packaged one).
MAJORITY = 0.5
NOTHING = (0.0,) * len(EMOTIONS)


class Smoother:
    """Exponential smoothing with a time constant: after `seconds`, an old reading weighs 37 %, whatever the frame rate.

    Args:
        seconds: the time constant; 0 smooths nothing.

    Examples:
        >>> from ferstream import ResultSubscriber, Smoother, Tracker
        >>> tracker, smoother = Tracker(), Smoother(seconds=1.0)
        >>> with ResultSubscriber("redis://localhost:6379", from_="0", order_window_s=0.5, idle_timeout_s=1) as subscriber:
        ...     for result in subscriber:
        ...         tracks = tracker.update(result)
        ...         for track, face in zip(tracks, smoother.update(result, tracks).faces):
        ...             print(result.camera_id, "track", track, face.emotion)
        door track 1 happiness
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._tracks: OrderedDict[int, tuple[float, tuple[float, ...]]] = OrderedDict()

    def update(self, result: Result, tracks: Sequence[int]) -> Result:
        """Take in a result, in order of capture for each camera.

        Args:
            result: as a subscriber gives it.
            tracks: the track of each of its faces, as `Tracker.update` gives them.

        Returns:
            The result with smoothed probabilities, and the emotion that leads in them. A face is unknown where no emotion has
            half of them, or where it lately was unknown more than half of the time. One that comes in unknown stays so, and its
            probabilities do not enter the smoothing: there was too little to see.

        Raises:
            ValueError: where `tracks` are not as many as the faces.
        """
        now = moment(result)
        faces = [self._smoothed(face, track, now) for face, track in zip(result.faces, tracks, strict=True)]
        return replace(result, faces=tuple(faces))

    def _smoothed(self, face: Face, track: int, now: float) -> Face:
        if self._seconds <= 0:
            return face
        # A face that is unknown says nothing of any emotion, so that what is smoothed sums to the share of those that were named.
        said = NOTHING if face.emotion == UNKNOWN else face.probabilities
        then, before = self._tracks.get(track, (now, said))
        weight = -math.expm1(-max(0.0, now - then) / self._seconds)
        smoothed = tuple(old + weight * (new - old) for old, new in zip(before, said, strict=True))
        self._tracks[track] = (max(then, now), smoothed)
        self._tracks.move_to_end(track)
        if len(self._tracks) > TRACKS:
            self._tracks.popitem(last=False)
        named, leader = sum(smoothed), max(smoothed)
        if face.emotion == UNKNOWN or named < MAJORITY:
            return replace(face, emotion=UNKNOWN)
        emotion = EMOTIONS[smoothed.index(leader)] if leader >= MAJORITY * named else UNKNOWN
        return replace(face, probabilities=tuple(value / named for value in smoothed), emotion=emotion)
