"""What happens to a track, as events: its face appeared, its emotion changed, it left."""

from ferstream.consumer.tracking.sighting import Sighting
from ferstream.consumer.tracking.span import Span
from ferstream.consumer.tracking.track import Track
from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN, Name
from ferstream.streams.wire.messages import Event, EventKind


def appeared(camera_id: str, track: Track) -> Event:
    """The face was there from its first sighting on, though the track is confirmed only now."""
    nothing = Span(track.first.at)
    nothing.see(track.probabilities, 0.0, track.first.sequence, track.whole.box)
    nothing.best_sequence = track.whole.best_sequence
    return _event(camera_id, track, "appeared", track.first, track.naming.name, nothing)


def changed(camera_id: str, track: Track, before: Name, span: Span) -> Event:
    """The track has a new name; `span` tells of the time of the one `before`."""
    return _event(camera_id, track, "changed", track.last, track.naming.name, span, before)


def left(camera_id: str, track: Track) -> Event:
    """The face was seen for the last time, some time ago."""
    seconds = track.whole.seconds
    longest = max(seconds, key=seconds.__getitem__, default=track.naming.name)
    return _event(camera_id, track, "left", track.last, longest, track.whole)


def _event(
    camera_id: str, track: Track, kind: EventKind, at: Sighting, emotion: Name, span: Span, before: Name | None = None
) -> Event:
    ended = None if kind == "appeared" else before or emotion
    return Event(
        event_id=f"{camera_id}/{round(track.first.at * 1000)}/{track.number}/{kind}/{at.sequence}",
        kind=kind,
        camera_id=camera_id,
        track=track.number,
        at=at.at,
        media_time=at.media_time,
        sequence=at.sequence,
        emotion=emotion,
        before=before,
        since=span.since,
        duration=span.duration,
        peak=None if ended in (None, UNKNOWN) else span.peaks[EMOTIONS.index(ended)],
        probabilities=span.means() or track.probabilities,
        shares=span.shares() or {emotion: 1.0},
        best_sequence=span.best_sequence,
        box=span.box,
    )
