"""The tracks of one camera, and all that has to be kept of it to go on."""

from dataclasses import dataclass, field, replace

import msgspec

from ferstream.consumer.tracking import events
from ferstream.consumer.tracking.assignment import assign
from ferstream.consumer.tracking.settings import TrackerSettings
from ferstream.consumer.tracking.sighting import Sighting
from ferstream.consumer.tracking.track import Track
from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.messages import Event, Face, Result

#: What is kept of a track changes with how it is followed: a state of another version is not read.
STATE_VERSION = 1

#: A result whose number is not new is a repeat, or late, where it was captured this much before the last one or after it. Beyond,
#: its camera counts anew: after a start with the clock set back, or from 0. In seconds.
REPEAT_S = 600.0
CLOCKS_DIFFER_S = 1.0
#: Media time that goes back by more is that of a file which begins again; by less, of frames that are stamped alike.
STAMPED_ALIKE_S = 0.5
#: What was seen once, and then not for so long, was no face, most likely.
UNCONFIRMED_S = 0.5


class StateError(FerstreamError):
    """The saved state of a camera's tracks cannot be read; go on without it: its faces appear anew."""


@dataclass(slots=True)
class CameraTracks:
    """The camera's last result, the last number that a track was given, and the tracks that have not left."""

    last: Sighting | None = None
    last_number: int = 0
    tracks: list[Track] = field(default_factory=list)

    @classmethod
    def load(cls, camera_id: str, state: bytes) -> "CameraTracks":
        """The tracks as they were saved. Raises StateError where the state is of another version, or is none."""
        try:
            version = _decode_version(state).version
            if version != STATE_VERSION:
                raise StateError(
                    f"camera {camera_id!r}: its saved tracks are of version {version}; this program reads {STATE_VERSION}"
                )
            return _decode(state).tracks
        except (msgspec.DecodeError, RecursionError, ValueError, TypeError) as error:
            raise StateError(f"camera {camera_id!r}: its saved tracks cannot be read: {error}") from error

    def save(self) -> bytes:
        """All of it as MessagePack; numbers keep all their bits."""
        return _encode(_Saved(STATE_VERSION, self))

    def update(self, result: Result, settings: TrackerSettings) -> tuple[Result, list[Event]]:
        """Take in a result. A repeat, and one that comes too late, changes nothing."""
        if self.last is not None and is_old(result, self.last):
            return result, []
        told = self.end(result.camera_id) if self.last is not None and _starts_again(result, self.last) else []
        now = self.last = Sighting.first(result) if self.last is None else self.last.next(result)
        told += self._end_unseen(result.camera_id, now, settings)
        faces, more = self._follow(result, now, settings)
        return replace(result, faces=faces), told + more

    def end(self, camera_id: str) -> list[Event]:
        """All tracks end: what is told of those that were confirmed."""
        ended, self.tracks = self.tracks, []
        return [events.left(camera_id, track) for track in ended if track.confirmed]

    def _end_unseen(self, camera_id: str, now: Sighting, settings: TrackerSettings) -> list[Event]:
        gone = [track for track in self.tracks if now.elapsed - track.last.elapsed > settings.timeout_s]
        self.tracks = [track for track in self.tracks if now.elapsed - track.last.elapsed <= settings.timeout_s]
        return [events.left(camera_id, track) for track in gone if track.confirmed]

    def _follow(self, result: Result, now: Sighting, settings: TrackerSettings) -> tuple[tuple[Face, ...], list[Event]]:
        known = self.tracks
        for track in known:
            track.predict(now.elapsed)
        matched = assign(result.faces, [track.motion for track in known], settings.sure_score)
        seen, told = list[Track](), list[Event]()
        for index, face in enumerate(result.faces):
            if index in matched:
                seen.append(known[matched[index]])
                told += self._go_on(result.camera_id, seen[-1], face, now, settings)
            else:
                seen.append(self._begin(face, now, settings))
        unseen = [known[index] for index in sorted(set(range(len(known))) - set(matched.values()))]
        self.tracks = seen + [track for track in unseen if track.confirmed or now.elapsed - track.last.elapsed <= UNCONFIRMED_S]
        return tuple(track.shown(face) for track, face in zip(seen, result.faces, strict=True)), told

    def _begin(self, face: Face, now: Sighting, settings: TrackerSettings) -> Track:
        self.last_number += 1
        return Track.of(self.last_number, face, now, settings)

    def _go_on(self, camera_id: str, track: Track, face: Face, now: Sighting, settings: TrackerSettings) -> list[Event]:
        change = track.see(face, now, settings)
        if not track.confirmed:
            track.confirmed = track.evidence >= settings.confirm_score
            return [events.appeared(camera_id, track)] if track.confirmed else []
        return [events.changed(camera_id, track, *change)] if change else []


def is_old(result: Result, last: Sighting) -> bool:
    """Whether the result is the last one again, or one from before it."""
    return result.sequence <= last.sequence and -CLOCKS_DIFFER_S <= last.at - result.captured_at <= REPEAT_S


def _starts_again(result: Result, last: Sighting) -> bool:
    """Whether a file begins anew, or the numbers of the frames do: nobody is where they were."""
    if result.sequence <= last.sequence or (result.media_time is None) != (last.media_time is None):
        return True
    return result.media_time is not None and last.media_time is not None and last.media_time - result.media_time > STAMPED_ALIKE_S


class _Saved(msgspec.Struct, array_like=True):
    version: int
    tracks: CameraTracks


class _AnyVersion(msgspec.Struct, array_like=True):
    version: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Saved).decode
_decode_version = msgspec.msgpack.Decoder(_AnyVersion).decode
