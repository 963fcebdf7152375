"""Clips composed from two portraits of real people, with the truth known: who is where, and how much of the face can be seen."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.consumer.tracking.motion import Box
from tests.support.turned_faces import portraits

WIDTH, HEIGHT, FPS, SECONDS = 1280, 720, 15, 12
#: A face is there to be found where so much of it can be seen.
SEEN = 0.5
#: Head, and the face in it, in pixels of each portrait (xyxy; the faces are the detector's boxes).
HEADS = {"astronaut": ((120, 0, 330, 220), (177, 58, 271, 177)), "grace_hopper": ((130, 10, 410, 390), (174, 120, 358, 340))}

Picture = NDArray[np.uint8]
Place = tuple[float, float, float]  # the middle of the face, and its height, in pixels
Path = Callable[[float], Place]

_BACKDROP = np.full((HEIGHT, WIDTH, 3), (150, 142, 128), np.uint8)


@dataclass(frozen=True, slots=True)
class Person:
    """One who walks along a path, with a portrait, mirrored or not. Who has the larger face walks in front."""

    portrait: str
    path: Path
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """People, and what they walk behind: xyxy boxes."""

    name: str
    people: tuple[Person, ...]
    pillars: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A composed frame, and the box of each face in it that can be seen, by its number in truth."""

    time: float
    picture: Picture
    truth: dict[int, Box]


def line(begin: tuple[float, float], end: tuple[float, float], size: float, from_s: float = 0.0, to_s: float = SECONDS) -> Path:
    """From one point to another, at an even pace between two times, and standing before and after."""

    def path(t: float) -> Place:
        share = min(1.0, max(0.0, (t - from_s) / (to_s - from_s)))
        x, y = (a + share * (b - a) for a, b in zip(begin, end, strict=True))
        return x, y + 4 * math.sin(7 * t), size

    return path


def there_and_back(begin: tuple[float, float], end: tuple[float, float], size: float, period_s: float) -> Path:
    """To and fro, turning smoothly."""

    def path(t: float) -> Place:
        share = (1 - math.cos(2 * math.pi * t / period_s)) / 2
        return begin[0] + share * (end[0] - begin[0]), begin[1] + share * (end[1] - begin[1]), size

    return path


def wander(seed: int, size: float) -> Path:
    """About the middle of the picture, as people at a counter do."""
    phases = np.random.default_rng(seed).uniform(0, 2 * math.pi, 4)

    def path(t: float) -> Place:
        x = 640 + 380 * math.sin(0.5 * t + phases[0]) + 90 * math.sin(1.3 * t + phases[1])
        return x, 360 + 90 * math.sin(0.7 * t + phases[2]) + 30 * math.sin(1.7 * t + phases[3]), size

    return path


def scenes() -> list[Scene]:
    """People who cross, leave, return, are hidden, turn round, come near, stand close together, and walk fast."""
    one, two = "astronaut", "grace_hopper"
    cross = (Person(one, line((80, 340), (1200, 340), 150)), Person(two, line((1200, 370), (80, 370), 190)))
    three = (*cross, Person(one, line((640, 60), (640, 620), 120), mirrored=True))
    leave = (Person(one, there_and_back((900, 340), (1420, 340), 150, 6.0)), Person(two, line((200, 380), (420, 380), 180)))
    away = (Person(one, there_and_back((640, 340), (1800, 340), 150, 12.0)), Person(two, line((200, 380), (420, 380), 180)))
    hidden = (Person(one, line((100, 340), (1180, 340), 150)), Person(two, line((1180, 380), (100, 380), 160)))
    turn = (
        Person(one, there_and_back((300, 340), (720, 340), 150, 4.0)),
        Person(two, there_and_back((980, 380), (560, 380), 170, 4.0)),
    )
    near = (Person(one, lambda t: (640 + 8 * t, 360, 60 + 24 * t)), Person(two, line((100, 200), (1180, 240), 90)))
    close = (
        Person(one, there_and_back((400, 350), (480, 350), 150, 3.0)),
        Person(two, there_and_back((560, 350), (600, 350), 160, 2.3)),
        Person(one, there_and_back((720, 360), (680, 360), 150, 3.7), mirrored=True),
        Person(two, there_and_back((860, 350), (820, 350), 155, 2.9), mirrored=True),
    )
    fast = (
        Person(one, there_and_back((200, 300), (1080, 300), 110, 3.0)),
        Person(two, there_and_back((1080, 480), (200, 480), 120, 3.6)),
    )
    crowd = tuple(Person((one, two)[n % 2], wander(n, 90 + 12 * n), mirrored=n > 2) for n in range(6))
    pillars = ((560.0, 0.0, 720.0, 720.0),)
    return [
        Scene("cross", cross),
        Scene("three cross", three),
        Scene("leave and return", leave),
        Scene("away for long", away),
        Scene("behind a pillar", hidden, pillars),
        Scene("turn round", turn),
        Scene("come near", near),
        Scene("close together", close),
        Scene("fast", fast),
        Scene("six wander", crowd),
    ]


def frames(scene: Scene, timeout_s: float) -> Iterator[Shown]:
    """The clip. One who could not be seen for longer than `timeout_s` has another number afterwards."""
    cut_outs = [_cut_out(person) for person in scene.people]
    numbers, seen_at = list(range(len(scene.people))), [0.0] * len(scene.people)
    for count in range(SECONDS * FPS):
        time = count / FPS
        picture, boxes = _compose(scene, cut_outs, time)
        truth = {}
        for index, box in boxes.items():
            if time - seen_at[index] > timeout_s:
                numbers[index] += len(scene.people)
            seen_at[index] = time
            truth[numbers[index]] = box
        yield Shown(time, picture, truth)


def _cut_out(person: Person) -> tuple[Picture, Box, NDArray[np.float32]]:
    """The head, its face's box within it, and an oval of what is shown of it, soft at its edge."""
    (x0, y0, x1, y1), face = HEADS[person.portrait]
    head = portraits()[person.portrait][y0:y1, x0:x1]
    box = (face[0] - x0, face[1] - y0, face[2] - x0, face[3] - y0)
    if person.mirrored:
        head, box = head[:, ::-1], (x1 - x0 - box[2], box[1], x1 - x0 - box[0], box[3])
    height, width = head.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    far = np.hypot((x - width / 2) / (width / 2), (y - height / 2) / (height / 2))
    return np.ascontiguousarray(head), box, np.clip((1 - far) * 8, 0, 1).astype(np.float32)


def _compose(scene: Scene, cut_outs: list, time: float) -> tuple[Picture, dict[int, Box]]:
    """The frame at a time, and the box of each face of which enough can be seen, by the place of its person."""
    canvas = _BACKDROP.copy()
    owner = np.full((HEIGHT, WIDTH), -1, np.int8)
    places = [person.path(time) for person in scene.people]
    boxes: dict[int, Box] = {}
    for index in sorted(range(len(places)), key=lambda index: places[index][2]):
        boxes[index] = _paint(canvas, owner, index, cut_outs[index], places[index])
    for x0, y0, x1, y1 in scene.pillars:
        canvas[int(y0) : int(y1), int(x0) : int(x1)] = (96, 88, 80)
        owner[int(y0) : int(y1), int(x0) : int(x1)] = -1
    return canvas, {index: box for index, box in boxes.items() if _seen(owner, index, box) >= SEEN}


def _paint(canvas: Picture, owner: NDArray, index: int, cut_out: tuple, place: Place) -> Box:
    """Draw a head where its face is to be, as far as it is inside of the frame; whole pixels are near enough."""
    head, face, oval = cut_out
    scale = place[2] / (face[3] - face[1])
    width, height = round(head.shape[1] * scale), round(head.shape[0] * scale)
    x, y = round(place[0] - scale * (face[0] + face[2]) / 2), round(place[1] - scale * (face[1] + face[3]) / 2)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(WIDTH, x + width), min(HEIGHT, y + height)
    if x1 > x0 and y1 > y0:
        part = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
        cut = cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA)[part]
        alpha = cv2.resize(oval, (width, height))[part][..., None]
        under = canvas[y0:y1, x0:x1]
        under[:] = (under * (1 - alpha) + cut * alpha).astype(np.uint8)
        owner[y0:y1, x0:x1][alpha[..., 0] > 0.5] = index
    return (x + scale * face[0], y + scale * face[1], x + scale * face[2], y + scale * face[3])


def _seen(owner: NDArray, index: int, box: Box) -> float:
    x0, y0, x1, y1 = (round(value) for value in box)
    inside = owner[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
    return float((inside == index).sum()) / max(1, (x1 - x0) * (y1 - y0))
