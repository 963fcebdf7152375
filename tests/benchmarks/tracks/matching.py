"""Identity switches, fragmentation and IDF1 of trackers on the same clips, by motmetrics."""

import json
import subprocess
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import motmetrics
import numpy as np

from ferstream import EMOTIONS, Face, FaceTracker, Result
from ferstream.consumer.tracking.assignment import iou
from tests.benchmarks.tracks.clips import Clip, Seen
from tests.benchmarks.tracks.greedy import Greedy

#: What is counted, by its name with motmetrics.
MEASURES = {
    "identity switches": "num_switches",
    "fragments": "num_fragmentations",
    "IDF1": "idf1",
    "precision": "precision",
    "recall": "recall",
}
#: A box is that of a face in truth where they overlap by half.
FARTHEST = 0.5
Numbers = list[list[int | None]]
Follow = Callable[[Clip], Numbers]


def ours(clip: Clip) -> Numbers:
    """FaceTracker, as it comes."""
    tracker = FaceTracker()
    return [[face.track for face in tracker.update(_result(number, seen))[0].faces] for number, seen in enumerate(clip)]


def greedy(timeout_s: float) -> Follow:
    """The matcher that FaceTracker replaced."""

    def follow(clip: Clip) -> Numbers:
        matcher = Greedy(timeout_s)
        return [[*matcher.update(seen.time, seen.boxes)] for seen in clip]

    return follow


def bytetrack(python: Path, clips: Sequence[Clip], timeout_s: float) -> list[Numbers]:
    """`trackers`' ByteTrack, in the environment of that Python."""
    asked = {"timeout_s": timeout_s, "clips": [[_plain(seen) for seen in clip] for clip in clips]}
    script = Path(__file__).with_name("bytetrack.py")
    done = subprocess.run([python, script], input=json.dumps(asked), capture_output=True, text=True, check=True)
    return [[[n if n >= 0 else None for n in frame] for frame in clip] for clip in json.loads(done.stdout)]


def scored(clips: Sequence[Clip], numbers: Sequence[Numbers]) -> dict[str, float]:
    """The measures over all clips together."""
    counted = [_counted(clip, found) for clip, found in zip(clips, numbers, strict=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about what motmetrics does to it
        table = motmetrics.metrics.create().compute_many(counted, metrics=list(MEASURES.values()), generate_overall=True)
    return {name: float(table.loc["OVERALL", key]) for name, key in MEASURES.items()}


def update_ms(faces: int, count: int = 2000) -> float:
    """Processor time of an update of FaceTracker with so many faces, in milliseconds."""
    random, tracker = np.random.default_rng(0), FaceTracker()
    places = [(80.0 * (n % 15), 90.0 * (n // 15)) for n in range(faces)]
    results = []
    for number in range(count):
        moved = [(x + n, y + m) for (x, y), (n, m) in zip(places, random.normal(0, 1.5, (faces, 2)), strict=True)]
        boxes = [(x, y, x + 60, y + 70) for x, y in moved]
        results.append(_result(number, Seen(number / 15, boxes, [0.9] * faces, {})))
    began = time.process_time()
    for result in results:
        tracker.update(result)
    return (time.process_time() - began) / count * 1000


def _counted(clip: Clip, numbers: Numbers) -> motmetrics.MOTAccumulator:
    counted = motmetrics.MOTAccumulator(auto_id=True)
    for seen, found in zip(clip, numbers, strict=True):
        followed = [(number, box) for number, box in zip(found, seen.boxes, strict=True) if number is not None]
        far = 1 - iou(_array(list(seen.truth.values())), _array([box for _, box in followed]))
        counted.update(list(seen.truth), [number for number, _ in followed], np.where(far <= FARTHEST, far, np.nan))
    return counted


def _array(boxes: list) -> np.ndarray:
    return np.array(boxes, float).reshape(-1, 4)


def _plain(seen: Seen) -> dict:
    return {"time": seen.time, "boxes": seen.boxes, "scores": seen.scores}


def _result(number: int, seen: Seen) -> Result:
    even = (1 / len(EMOTIONS),) * len(EMOTIONS)
    faces = [
        Face(box=box, score=score, quality=1.0, emotion="neutral", probabilities=even)
        for box, score in zip(seen.boxes, seen.scores, strict=True)
    ]
    return Result(
        camera_id="clip",
        sequence=number,
        captured_at=seen.time,
        media_time=seen.time,
        frame_id="1-1",
        width=1280,
        height=720,
        faces=tuple(faces),
        models={},
        seconds={},
        worker="",
    )
