"""How often the name of a face changes, raw against smoothed, and how late a true change is shown.

Pictures of one person with several expressions cannot be had. What stands for them are readings: what the packaged classifier
says of val faces of FER+, each face for a fifth of a second, as errors in a video last. After a while the faces are of another
label: the true change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import av
import numpy as np
from numpy.typing import NDArray

from ferstream import EMOTIONS, Face, FaceRecognizer, FaceTracker, Result
from ferstream.training.classifier.ferplus_pack import FerPlus
from ferstream.workers.models.classifier import name_of
from ferstream.workers.models.registry import open_classifier
from tests.support.paths import DATA

FPS = 10
#: How long a face is read, and how long an expression lasts on either side of the change, in seconds.
READ_S, LASTS_S = 0.2, 6.0
SEQUENCES = 200
FACES_OF_A_LABEL = 60
PACK = DATA / "data" / "ferplus_trainval.npz"
VIDEOS = DATA / "video"

Faces = list[Face]


@dataclass(frozen=True, slots=True)
class Reading:
    """One track: its faces frame by frame, their times, and the true emotion before and after the middle."""

    times: list[float]
    faces: Faces
    truth: tuple[str, str]


def readings() -> list[Reading]:
    """Sequences with one change each, between two labels at random."""
    pools, random = _pools(), np.random.default_rng(0)
    found = []
    for _ in range(SEQUENCES):
        before, after = (EMOTIONS[index] for index in random.choice(len(EMOTIONS), 2, replace=False))
        faces = [*_read(pools[before], random), *_read(pools[after], random)]
        found.append(Reading([number / FPS for number in range(len(faces))], faces, (before, after)))
    return found


def flicker_and_delay(sequences: Sequence[Reading], tracker: dict[str, float] | None) -> dict[str, float]:
    """Changes a minute, the median delay of the true change and the share of those that are shown; None for `tracker` is raw.

    A change is shown when the face is named by the true emotion for the first time after it.
    """
    changes, seconds, delays = 0, 0.0, []
    for reading in sequences:
        names = _names(reading, tracker)
        changes += sum(a != b for a, b in pairwise(names))
        seconds += reading.times[-1]
        shown = [t - LASTS_S for t, name in zip(reading.times, names, strict=True) if t >= LASTS_S and name == reading.truth[1]]
        delays += shown[:1]
    right = [_right(reading, _names(reading, tracker)) for reading in sequences]
    return {
        "changes a minute": 60 * changes / seconds,
        "median delay": median(delays),
        "changes shown": len(delays) / len(sequences),
        "right": float(np.mean(right)),
    }


def in_videos(recognizer: FaceRecognizer) -> list[list[Result]]:
    """The faces in the clips of the data folder, frame by frame, as results."""
    return [_results(recognizer, path) for path in sorted(VIDEOS.glob("*.m*")) if "no_face" not in path.name]


def changes_in(clips: Iterable[Sequence[Result]], smoothed: bool) -> float:
    """Changes of name a minute of a track, over results of several clips."""
    changes, seconds = 0, 0.0
    for clip in clips:
        tracker, last = FaceTracker(), dict[int, tuple[float, str]]()
        for result in clip:
            followed = tracker.update(result)[0].faces
            for face, raw in zip(followed, result.faces, strict=True):
                name, now = (face if smoothed else raw).emotion, result.media_time or 0.0
                if face.track in last:
                    then, before = last[face.track]
                    changes, seconds = changes + (name != before), seconds + now - then
                last[face.track or 0] = (now, name)
    return 60 * changes / seconds


def _pools() -> dict[str, Faces]:
    """Faces of val by label, as the classifier reads them. Of some labels there are few."""
    pack, classifier = FerPlus.open(PACK, "val"), open_classifier(None, "cpu")
    places, labels = pack.labelled("majority")
    pools: dict[str, Faces] = {}
    for index, emotion in enumerate(EMOTIONS):
        crops = np.stack([pack.faces[place] for place in places[labels == index][:FACES_OF_A_LABEL]])
        rows = classifier(np.repeat(crops[..., None], 3, axis=3))
        pools[emotion] = [_face(row, name_of(row, 1.0, classifier.card)) for row in rows]
    return pools


def _face(row: NDArray[np.float32], emotion: str) -> Face:
    box = (100.0, 100.0, 200.0, 220.0)
    return Face(box=box, score=0.95, quality=0.8, emotion=emotion, probabilities=tuple(row.tolist()))


def _read(pool: Faces, random: np.random.Generator) -> Faces:
    """LASTS_S of faces of a label, each for READ_S."""
    each = round(READ_S * FPS)
    return [pool[index] for index in random.integers(0, len(pool), round(LASTS_S / READ_S)) for _ in range(each)]


def _names(reading: Reading, tracker: dict[str, float] | None) -> list[str]:
    if tracker is None:
        return [face.emotion for face in reading.faces]
    following = FaceTracker(**tracker)
    results = [
        _result(number, time, (face,)) for number, (time, face) in enumerate(zip(reading.times, reading.faces, strict=True))
    ]
    return [following.update(result)[0].faces[0].emotion for result in results]


def _right(reading: Reading, names: list[str]) -> float:
    true = [reading.truth[time >= LASTS_S] for time in reading.times]
    return float(np.mean([name == wanted for name, wanted in zip(names, true, strict=True)]))


def _results(recognizer: FaceRecognizer, path: Path) -> list[Result]:
    results = []
    with av.open(path) as video:
        for number, frame in enumerate(video.decode(video=0)):
            (faces,) = recognizer(frame.to_ndarray(format="rgb24"))
            results.append(_result(number, float(frame.time or 0.0), tuple(faces)))
    return results


def _result(number: int, time: float, faces: tuple[Face, ...]) -> Result:
    return Result(
        camera_id="clip",
        sequence=number,
        captured_at=time,
        media_time=time,
        frame_id="1-1",
        width=1280,
        height=720,
        faces=faces,
        models={},
        seconds={},
        worker="",
    )
