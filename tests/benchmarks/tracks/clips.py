"""What the packaged detector finds in the composed clips, at several frame rates; and the same with errors added."""

from dataclasses import dataclass

import cv2
import numpy as np

from ferstream.consumer.tracking.motion import Box
from ferstream.workers.models.registry import open_detector
from tests.benchmarks.tracks.scenes import FPS, HEADS, HEIGHT, WIDTH, Scene, frames
from tests.support.turned_faces import portraits


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame as a tracker gets it, and the truth: `truth` has a box a face that can be seen, by number."""

    time: float
    boxes: list[Box]
    scores: list[float]
    truth: dict[int, Box]


Clip = list[Seen]


def detected(scenes: list[Scene], timeout_s: float) -> dict[str, Clip]:
    """The clips at the full frame rate, with what the detector finds."""
    detector = open_detector(None, "cpu")
    clips: dict[str, Clip] = {}
    for scene in scenes:
        clip = clips[scene.name] = []
        for shown in frames(scene, timeout_s):
            found = detector([shown.picture])[0]
            boxes = [tuple(map(float, box)) for box in found.xyxy]
            clip.append(Seen(shown.time, boxes, [float(score) for score in found.scores], shown.truth))
    return clips


def at_rate(clip: Clip, fps: float) -> Clip:
    """Every n-th frame."""
    return clip[:: round(FPS / fps)]


def with_holes(clip: Clip, seed: int) -> Clip:
    """Frames as a busy worker leaves them: at random intervals of 1/15 s to 1/3 s, and a second missing now and then."""
    random, kept, place = np.random.default_rng(seed), [], 0
    while place < len(clip):
        kept.append(clip[place])
        place += int(random.integers(1, 6)) + (FPS if random.random() < 0.03 else 0)
    return kept


def disturbed(clip: Clip, seed: int, jitter: float, missed: float = 0.15, false: float = 0.1) -> Clip:
    """With errors: boxes that are off by `jitter` of their size, faces that are missed, and boxes of nobody."""
    random = np.random.default_rng(seed)
    return [_disturbed(seen, random, jitter, missed, false) for seen in clip]


def _disturbed(seen: Seen, random: np.random.Generator, jitter: float, missed: float, false: float) -> Seen:
    boxes, scores = [], []
    for box, score in zip(seen.boxes, seen.scores, strict=True):
        if random.random() >= missed:
            off = random.normal(0, jitter, 4) * np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
            boxes.append(tuple(map(float, np.add(box, off))))
            scores.append(float(np.clip(score - abs(random.normal(0, 0.15)), 0.5, 1)))
    for _ in range(random.poisson(false)):
        x, y, size = random.uniform(0, WIDTH - 120), random.uniform(0, HEIGHT - 150), random.uniform(40, 120)
        boxes.append((x, y, x + size, y + 1.25 * size))
        scores.append(float(random.uniform(0.5, 0.75)))
    return Seen(seen.time, boxes, scores, seen.truth)


def measured_jitter(tries: int = 60) -> float:
    """Standard deviation of the detector's boxes, in sizes of the face, on portraits that are moved, scaled and made noisy."""
    detector, random, off = open_detector(None, "cpu"), np.random.default_rng(0), []
    for name, picture in portraits().items():
        face = np.array(HEADS[name][1], float)
        for _ in range(tries // len(HEADS)):
            scale, (x, y) = random.uniform(0.5, 1.2), random.uniform(0, 200, 2)
            moved = cv2.warpAffine(picture, np.array([[scale, 0, x], [0, scale, y]]), (WIDTH, HEIGHT))
            noisy = np.clip(moved + random.normal(0, 12, moved.shape), 0, 255).astype(np.uint8)
            found = detector([noisy])[0].xyxy
            if len(found):
                box = scale * face + [x, y, x, y]
                off.append((found[0] - box) / np.sqrt((box[2] - box[0]) * (box[3] - box[1])))
    return float(np.mean(np.std(off, axis=0)))
