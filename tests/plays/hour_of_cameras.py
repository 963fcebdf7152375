"""An hour of six synthetic cameras in a store, for a look at its report:

    python -m tests.plays.hour_of_cameras sqlite:/tmp/hour.db
    fer-consumer report --sink sqlite:/tmp/hour.db --timezone Europe/Vienna \\
        --from 2026-11-28T14:00 --to 2026-11-28T15:00 --out /tmp/hour

People come, show expressions for a while, and leave; a crowd stands before the stage for a quarter of an hour, the corridor's
network fails three times, and the yard falls silent. What is written are results with tracks, and events of tracks, by the sinks'
own writers. The same seed gives the same hour.
"""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click

from ferstream.consumer.log.record_log import RecordLog, Rotation
from ferstream.consumer.records.rows import Of
from ferstream.consumer.sinks.jsonl import FileSink
from ferstream.consumer.sinks.parquet import ParquetSink
from ferstream.consumer.sinks.postgresql import PostgresqlSink
from ferstream.consumer.sinks.sink import Sink
from ferstream.consumer.sinks.sqlite import SqliteSink
from ferstream.streams.wire.emotions import EMOTIONS, NAMES, UNKNOWN
from ferstream.streams.wire.messages import Event, Face, Result

#: Saturday, 28 November 2026, 14:00 in Vienna.
START = 1795870800.0
_MINUTE_S = 60.0
_KINDS: dict[str, float] = {
    "neutral": 10, "happiness": 5, "surprise": 1.2, "sadness": 1, "anger": 0.5, "fear": 0.3, "disgust": 0.2, "contempt": 0.3,
    UNKNOWN: 1.6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Camera:
    """`arrivals` a minute, each for `stay_s` on average; a `crowd` comes in some minutes; in others it is `silent`."""

    name: str
    arrivals: float
    stay_s: float
    crowd: tuple[float, float, float] | None = None  # from, to, arrivals a minute
    silent: tuple[tuple[float, float], ...] = ()
    mood: str = "neutral"


CAMERAS = (
    Camera("foyer", 6, 14),
    Camera("stage", 0.6, 40, crowd=(33, 48, 9), mood="happiness"),
    Camera("café", 1.0, 170, mood="happiness"),
    Camera("corridor", 9, 5, silent=((11.2, 12.1), (26, 31.5), (52.4, 52.9))),
    Camera("east door", 2.5, 8),
    Camera("yard", 0.8, 25, silent=((17.3, 60),)),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's stay: `moods` are names with the time from which on they hold."""

    track: int
    begin: float
    end: float
    moods: tuple[tuple[float, str], ...]
    place: float

    def mood(self, at: float) -> str:
        return [name for begin, name in self.moods if begin <= at][-1]


def visits_of(camera: Camera, seconds: float, chance: random.Random) -> list[Visit]:
    """Who came to a camera, in order of time."""
    found: list[Visit] = []
    at = 0.0
    weights = [_KINDS[name] * (3 if name == camera.mood else 1) for name in NAMES]
    while True:
        crowd = camera.crowd is not None and camera.crowd[0] <= at / _MINUTE_S < camera.crowd[1]
        at += chance.expovariate((camera.crowd[2] if crowd and camera.crowd else camera.arrivals) / _MINUTE_S)
        if at >= seconds:
            return found
        end = min(seconds, at + chance.expovariate(1 / (camera.stay_s * (3 if crowd else 1))))
        moods, then = [], at
        while then < end:
            moods.append((then, chance.choices(NAMES, weights)[0]))
            then += chance.uniform(2, 12)
        found.append(Visit(len(found) + 1, at, max(end, at + 0.6), tuple(moods), chance.random()))


def results_of(camera: Camera, visits: Sequence[Visit], seconds: float, fps: float) -> Iterator[Result]:
    """The camera's results, those of silent minutes left out."""
    here: list[Visit] = []
    waiting = list(reversed(visits))
    for number in range(math.ceil(seconds * fps)):
        at = number / fps
        while waiting and waiting[-1].begin <= at:
            here.append(waiting.pop())
        here = [visit for visit in here if visit.end > at]
        if _is_silent(camera, at):
            continue
        faces = tuple(_face(visit, at) for visit in here)
        yield Result(
            camera_id=camera.name, sequence=number, captured_at=START + at, frame_id=f"{number}-0", width=1280, height=720,
            faces=faces, models={"classifier": "synthetic", "detector": "synthetic"}, seconds={}, worker="play",
        )  # fmt: skip


def events_of(camera: Camera, visits: Sequence[Visit]) -> Iterator[Event]:
    """Who left, where the camera could see it."""
    for visit in visits:
        seen = [at / 10 for at in range(int(visit.begin * 10), int(visit.end * 10)) if not _is_silent(camera, at / 10)]
        if seen:
            lasted = {name: 1 / len(visit.moods) for _, name in visit.moods}
            yield Event(
                event_id=f"{camera.name}-{visit.track}", kind="left", camera_id=camera.name, track=visit.track,
                at=START + seen[-1], media_time=None, sequence=0, emotion=visit.moods[0][1], before=None, since=START + seen[0],
                duration=seen[-1] - seen[0], peak=0.9, probabilities=_probabilities(visit.moods[0][1]), shares=lasted,
                best_sequence=0, box=_box(visit),
            )  # fmt: skip


def open_sink(url: str, of: Of) -> Sink:
    """A sink at `sqlite:FILE`, `jsonl:DIR`, `parquet:DIR` or `postgresql://user@host/database`."""
    kind, _, where = url.partition(":")
    path = Path(where)
    if kind == "postgresql":
        return PostgresqlSink(url, of)
    if kind == "sqlite":
        return SqliteSink(path, of)
    if kind == "parquet":
        return ParquetSink(path / of, of)
    return FileSink(RecordLog(path / of, "jsonl", Rotation(64_000_000, 3600.0), of))


def write_hour(url: str, cameras: Sequence[Camera] = CAMERAS, seconds: float = 3600.0, fps: float = 2.0, seed: int = 13) -> None:
    """Write the results and the events of all cameras."""
    visits = {camera: visits_of(camera, seconds, random.Random(f"{seed} {camera.name}")) for camera in cameras}
    records: dict[Of, Iterator[Any]] = {
        "results": (result for camera in cameras for result in results_of(camera, visits[camera], seconds, fps)),
        "events": (event for camera in cameras for event in events_of(camera, visits[camera])),
    }
    for of, all_ in records.items():
        with closing(open_sink(url, of)) as sink:
            while some := list(islice(all_, 5000)):
                sink.write(some)


def _face(visit: Visit, at: float) -> Face:
    emotion = visit.mood(at)
    return Face(
        box=_box(visit), score=0.9, quality=0.7, emotion=emotion, probabilities=_probabilities(emotion), track=visit.track
    )


def _box(visit: Visit) -> tuple[float, float, float, float]:
    left = round(visit.place * 1100)
    return (left, 200.0, left + 120.0, 340.0)


def _probabilities(emotion: str) -> tuple[float, ...]:
    if emotion == UNKNOWN:
        return (1 / len(EMOTIONS),) * len(EMOTIONS)
    return tuple(0.86 if name == emotion else 0.02 for name in EMOTIONS)


def _is_silent(camera: Camera, at: float) -> bool:
    return any(begin <= at / _MINUTE_S < end for begin, end in camera.silent)


@click.command(help=__doc__)
@click.argument("url")
@click.option("--seed", default=13)
def main(url: str, seed: int) -> None:
    write_hour(url, seed=seed)


if __name__ == "__main__":
    main()
