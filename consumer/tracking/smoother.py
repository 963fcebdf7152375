"""Smoothing the probabilities of a face over time: single frames flicker, expressions last."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN
from ferstream.streams.wire.messages import Face, Result

#: Tracks remembered; the one unseen for longest is forgotten first.
TRACKS = 10_000


class Smoother:
    """Exponential smoothing with a time constant: after `seconds`, an old reading weighs 37 %, whatever the frame rate."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._tracks: OrderedDict[int, tuple[float, tuple[float, ...]]] = OrderedDict()

    def update(self, result: Result, tracks: Sequence[int]) -> Result:
        """The result with smoothed probabilities, and the emotion that leads in them; `tracks` has one number a face.

        A face that is unknown stays so, and does not enter the smoothing: there was too little to see.
        """
        faces = [self._smoothed(face, track, result.captured_at) for face, track in zip(result.faces, tracks, strict=True)]
        return replace(result, faces=tuple(faces))

    def _smoothed(self, face: Face, track: int, now: float) -> Face:
        if face.emotion == UNKNOWN:
            return face
        then, before = self._tracks.get(track, (now, face.probabilities))
        weight = -math.expm1(-max(0.0, now - then) / self._seconds) if self._seconds > 0 else 1.0
        smoothed = tuple(old + weight * (new - old) for old, new in zip(before, face.probabilities, strict=True))
        self._tracks[track] = (max(then, now), smoothed)
        self._tracks.move_to_end(track)
        if len(self._tracks) > TRACKS:
            self._tracks.popitem(last=False)
        return replace(face, probabilities=smoothed, emotion=EMOTIONS[smoothed.index(max(smoothed))])
