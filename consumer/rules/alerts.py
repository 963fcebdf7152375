"""Watching tracked faces for what a rule says: an alert where it holds for long enough, and then quiet for a while."""

import logging
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from ferstream.consumer.rules.condition import Fields, Rule, Value
from ferstream.consumer.tracking.camera_tracks import is_old
from ferstream.consumer.tracking.sighting import Sighting
from ferstream.consumer.tracking.span import Span
from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN, Emotion, Name
from ferstream.streams.wire.messages import Event, Face, Result

log = logging.getLogger(__name__)

#: Seconds between two sightings of a face beyond which nobody knows what it showed meanwhile. More than a second: a camera that
#: gives a frame a second gives every other one a little later than that. A tracker ends a track after two.
HOLE_S = 1.5
#: Cameras that are watched at once; the one that was silent for longest is forgotten first.
MOST_CAMERAS = 10_000
#: Faces unseen for so many seconds are forgotten; a tracker gives up a track long before.
FORGET_S = 60.0
#: Sums of floats are not exact.
_ROUNDING_S = 1e-6


@dataclass(slots=True)
class _Watched:
    """One track: when it was seen first and last, in its camera's seconds, and the span over which the condition held."""

    first_at: float
    last_at: float
    held: Span | None = None


@dataclass(slots=True)
class _Camera:
    """The last result of a camera, until when it is quiet, in its own seconds, and its tracks by number."""

    last: Sighting
    quiet_until: float = 0.0
    tracks: dict[int, _Watched] = field(default_factory=dict)


class Alerts:
    """Gives an alert when a rule holds for a face, and none for the same camera in the `quiet_s` seconds after it.

    Time is media time where there is one, else capture time. Only time in which the face was seen counts: between two sightings
    that are more than HOLE_S apart, and where a clock is set back, the rule's time stands still. That neither fulfils a rule nor
    breaks it; `fer_rule_holes_total` counts how often. A face whose track ended is another one, and its time begins anew. Give it
    results as a FaceTracker shows them, in order of capture.
    """

    def __init__(self, rule: Rule, quiet_s: float, registry: CollectorRegistry = REGISTRY) -> None:
        self._rule, self._quiet_s, self._text = rule, quiet_s, str(rule)
        self._holes = Counter("fer_rule_holes_total", "Times that did not count for a rule, since nobody saw.", registry=registry)
        self._digest = zlib.crc32(self._text.encode())
        self._cameras: OrderedDict[str, _Camera] = OrderedDict()

    def update(self, result: Result) -> tuple[Event, ...]:
        """Take in a tracked result: the alerts that it gives. A repeat, and one that comes too late, gives none."""
        camera = self._cameras.get(result.camera_id)
        if camera is None:
            camera = self._cameras[result.camera_id] = _Camera(Sighting.first(result))
        elif is_old(result, camera.last):
            return ()
        else:
            self._advance(camera, result)
        self._cameras.move_to_end(result.camera_id)
        if len(self._cameras) > MOST_CAMERAS:
            self._cameras.popitem(last=False)
        return tuple(self._look(camera, result))

    def _advance(self, camera: _Camera, result: Result) -> None:
        last, camera.last = camera.last, camera.last.next(result)
        if camera.last.elapsed == last.elapsed and result.captured_at < last.at:
            self._note_hole(result.camera_id, "its clock was set back")
        now = camera.last.elapsed
        camera.tracks = {number: track for number, track in camera.tracks.items() if now - track.last_at < FORGET_S}

    def _look(self, camera: _Camera, result: Result) -> Iterator[Event]:
        for face in result.faces:
            held = None if face.track is None else self._see(camera, result, face, face.track)
            if held is None or held.duration < self._rule.hold_s - _ROUNDING_S or camera.last.elapsed < camera.quiet_until:
                continue
            camera.quiet_until = camera.last.elapsed + self._quiet_s
            yield self._alert(result, face, held)

    def _see(self, camera: _Camera, result: Result, face: Face, number: int) -> Span | None:
        """Take in the face; the span over which the condition has held until now, None where it does not hold."""
        now = camera.last.elapsed
        track = camera.tracks.setdefault(number, _Watched(now, now))
        step, track.last_at = now - track.last_at, now
        if not self._rule.condition.holds(fields_of(result, face, now - track.first_at)):
            track.held = None
            return None
        if track.held is None:
            track.held = Span(result.captured_at)
        elif step <= HOLE_S:
            track.held.hold(step, cast("Name", face.emotion), face.probabilities)
        else:
            self._note_hole(result.camera_id, f"face {number} was not seen for {step:.1f} s")
        track.held.see(face.probabilities, face.quality, result.sequence, face.box)
        return track.held

    def _note_hole(self, camera_id: str, what: str) -> None:
        self._holes.inc()
        log.debug("camera %r: %s; that time does not count for the rule", camera_id, what)

    def _alert(self, result: Result, face: Face, held: Span) -> Event:
        return Event(
            event_id=f"{result.camera_id}/{round(held.since * 1000)}/{face.track}/alert/{result.sequence}/{self._digest:08x}",
            kind="alert",
            camera_id=result.camera_id,
            track=face.track or 0,
            at=result.captured_at,
            media_time=result.media_time,
            sequence=result.sequence,
            emotion=face.emotion,
            before=None,
            since=held.since,
            duration=held.duration,
            peak=None if face.emotion == UNKNOWN else held.peaks[EMOTIONS.index(cast("Emotion", face.emotion))],
            probabilities=held.means() or face.probabilities,
            shares=held.shares() or {face.emotion: 1.0},
            best_sequence=held.best_sequence,
            box=held.box,
            rule=self._text,
        )


def fields_of(result: Result, face: Face, duration_s: float) -> Fields:
    """What a rule can ask of a face that has been followed for so many seconds."""
    fields: dict[str, Value | None] = {f"p_{emotion}": p for emotion, p in zip(EMOTIONS, face.probabilities, strict=True)}
    fields |= {"emotion": face.emotion, "probability": face.confidence, "quality": face.quality}
    return fields | {"camera": result.camera_id, "people": len(result.faces), "duration": duration_s}
