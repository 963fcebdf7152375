"""From what a store keeps to the figures of its cameras: one pass over results, or over minutes where there are none."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ferstream.consumer.records.minute import Minute
from ferstream.consumer.report.kept.kept import Asked, Kept
from ferstream.consumer.report.numbers.figures import Figures
from ferstream.consumer.report.numbers.period import Period
from ferstream.consumer.report.numbers.seen import InOrder, Seen
from ferstream.consumer.report.numbers.tally import LONGEST_S, Tally
from ferstream.streams.errors import FerstreamError

#: Minutes are written when they are over, each camera's as it may.
_MINUTES_WINDOW_S = 600.0


class NothingKept(FerstreamError):
    """The store has nothing of that time and those cameras."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Figures of each camera in order of names, and what there is to say about them."""

    cameras: tuple[Figures, ...]
    notes: tuple[str, ...] = ()


def gather(kept: Kept, period: Period, cameras: tuple[str, ...] = ()) -> Gathered:
    """The figures of these cameras, or of all. A camera that is named and was silent all the time is there with none.

    Raises NothingKept, and SinkError where the store cannot be read.
    """
    asked = Asked(period.start, period.end, cameras)
    tallies: dict[str, Tally] = {}

    def tally_of(camera_id: str) -> Tally:
        return tallies.setdefault(camera_id, Tally(camera_id, period))

    order: InOrder[Seen] = InOrder()
    for seen in _frames(kept, asked, order):
        tally_of(seen.camera_id).see(seen)
    notes = [f"{order.left_out} results were stored twice or came far too late, and are not counted."] * bool(order.left_out)
    if not tallies:
        for minute in _minutes(kept, asked):
            tally_of(minute.camera_id).add_minute(minute)
        notes += ["These are sums of minutes: gaps are told to the minute."] * bool(tallies)
    silent = _silent(kept, asked, set(tallies))
    tracks_known = False
    for end in kept.track_ends(asked):
        if end.camera_id in tallies:  # of others there are no results to set it against
            tracks_known = True
            tallies[end.camera_id].end_track(end.length_s)
    for camera_id in silent:
        tally_of(camera_id)
    figures = [tallies[camera_id].finish(tracks_known=tracks_known) for camera_id in sorted(tallies)]
    return Gathered(tuple(figures), tuple(notes))


def _frames(kept: Kept, asked: Asked, order: InOrder[Seen]) -> Iterator[Seen]:
    earlier = replace(asked, start=asked.start - LONGEST_S)  # what stands at the start
    for seen in kept.frames(earlier):
        yield from order.add(seen.camera_id, seen.at, seen.sequence, seen)
    yield from order.rest()


def _minutes(kept: Kept, asked: Asked) -> Iterator[Minute]:
    order: InOrder[Minute] = InOrder(_MINUTES_WINDOW_S)
    for minute in kept.minutes(asked):
        yield from order.add(minute.camera_id, minute.start, 0, minute)
    yield from order.rest()


def _silent(kept: Kept, asked: Asked, found: set[str]) -> list[str]:
    """Cameras that are named, known at another time, and silent at this one. Raises NothingKept for others, and for none."""
    missing = [camera for camera in asked.cameras if camera not in found]
    if not missing and found:
        return []
    here = _cameras(kept, replace(asked, cameras=())) if missing else set()
    ever = _cameras(kept, Asked(0.0, 2.0**32, tuple(missing))) if missing else set()
    unknown = [camera for camera in missing if camera not in ever]
    if unknown:
        others = f"in that time it has {', '.join(sorted(here))}" if here else "it has nothing of any camera in that time"
        raise NothingKept(f"{kept.name} knows no camera {', '.join(unknown)}: {others}")
    if not found:
        whose = f" of {', '.join(missing)}" if missing else ""
        raise NothingKept(f"{kept.name} has no results and no minutes{whose} in that time")
    return missing


def _cameras(kept: Kept, asked: Asked) -> set[str]:
    """The names of cameras with anything kept; this reads all of it, and is for errors only."""
    return {seen.camera_id for seen in kept.frames(asked)} | {minute.camera_id for minute in kept.minutes(asked)}
