"""Small generated trees in the exact layout of each published dataset, with drawn faces that a small net learns in a minute."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS

BOARD = 192  # faces are drawn at this many pixels, then made smaller

FER2013 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FER2013_FOLDERS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FERPLUS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
CK_PLUS_FOLDERS = {"anger": "anger", "contempt": "contempt", "disgust": "disgust", "fear": "fear", "happiness": "happy",
                   "neutral": "neutral", "sadness": "sadness", "surprise": "surprise"}  # fmt: skip
AFFECTNET = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt", "none", "uncertain",
             "no face")  # fmt: skip
AFFECTNET_HEADER = ("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression",
                    "valence", "arousal")  # fmt: skip
RAF_DB = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


@dataclass(frozen=True)
class Person:
    """What stays the same from one picture of somebody to the next; lengths as shares of the head's width."""

    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    round: float  # height of the head over its width
    eyes: float  # distance of an eye from the middle
    line: int  # px of a line on the board

    @classmethod
    def drawn(cls, random: Generator) -> "Person":
        light = random.uniform(0.55, 1.0)
        return cls(
            tuple(int(c) for c in np.array([236, 190, 160]) * light + random.integers(-12, 13, 3)),
            tuple(int(c) for c in random.integers(10, 110, 3)),
            random.uniform(1.1, 1.3),
            random.uniform(0.38, 0.46),
            int(random.integers(4, 8)),
        )


@dataclass(frozen=True)
class Look:
    """How a face shows an emotion. Lengths are shares of half the head's width; upwards is positive."""

    brow: tuple[float, float]  # height of the inner and of the outer end above their rest
    eye: float  # opening: 1 at rest
    lips: tuple[float, float]  # height of the left and of the right corner over the middle of the mouth
    wide: float  # half the width of the mouth
    open: float = 0.0  # half the height of the open mouth
    wrinkled: bool = False  # nose


LOOKS = {
    "anger": Look((-0.24, 0.16), 0.65, (-0.06, -0.06), 0.34),
    "contempt": Look((0.0, 0.02), 0.6, (0.0, 0.34), 0.36),
    "disgust": Look((-0.16, 0.0), 0.3, (-0.22, -0.22), 0.34, 0.13, wrinkled=True),
    "fear": Look((0.26, 0.02), 1.6, (-0.1, -0.1), 0.52, 0.12),
    "happiness": Look((0.06, 0.06), 0.75, (0.3, 0.3), 0.56, 0.14),
    "neutral": Look((0.0, 0.0), 1.0, (0.0, 0.0), 0.4),
    "sadness": Look((0.2, -0.14), 0.6, (-0.26, -0.26), 0.4),
    "surprise": Look((0.3, 0.3), 1.6, (0.0, 0.0), 0.22, 0.32),
}


def face(emotion: str, random: Generator, person: Person | None = None) -> NDArray[np.uint8]:
    """A drawn face (BOARD, BOARD, 3) RGB that shows `emotion`."""
    person = person or Person.drawn(random)
    look, half = LOOKS[emotion], BOARD * random.uniform(0.3, 0.36)
    board = np.full((BOARD, BOARD, 3), random.integers(60, 220, 3), np.uint8)
    middle = BOARD / 2 + random.uniform(-6, 6, 2)
    tilt = random.uniform(-7, 7)
    _head(board, middle, half, person)
    for side in (-1, 1):
        _eye(board, middle, half, side, person, look, random)
    _nose(board, middle, half, person, look)
    _mouth(board, middle, half, person, look, random)
    if random.random() < 0.5:
        board = np.ascontiguousarray(board[:, ::-1])
    turn = cv2.getRotationMatrix2D((BOARD / 2, BOARD / 2), tilt, 1.0)
    board = cv2.warpAffine(board, turn, (BOARD, BOARD), borderMode=cv2.BORDER_REPLICATE)
    lit = board * random.uniform(0.75, 1.15) + random.normal(0, random.uniform(1, 6), board.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)


def sized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def grey_face(emotion: str, random: Generator, person: Person | None = None) -> NDArray[np.uint8]:
    """A face (48, 48) as FER-2013 and CK+48 have them."""
    return cv2.cvtColor(sized(face(emotion, random, person), 48), cv2.COLOR_RGB2GRAY)


def write_fer2013_csv(folder: Path, per_class: int = 8, seed: int = 0) -> Path:
    """`fer2013.csv`: `per_class` faces of each of seven emotions to train, a quarter as many for each of the other usages."""
    random = np.random.default_rng(seed)
    rows = [
        (number, _pixels(grey_face(FER2013[number], random)), usage)
        for usage, count in _usages(per_class)
        for number in random.permutation(np.repeat(np.arange(7), count))
    ]
    return _table(folder / "fer2013.csv", ("emotion", "pixels", "Usage"), rows)


def write_fer2013_folders(folder: Path, per_class: int = 8, seed: int = 0) -> Path:
    """`train/angry/Training_3908.jpg` and so on; returns the folder of train and test."""
    random = np.random.default_rng(seed)
    for split, prefix, count in (("train", "Training", per_class), ("test", "PrivateTest", _quarter(per_class))):
        for number, name in enumerate(FER2013_FOLDERS):
            for i in range(count):
                picture = grey_face(FER2013[number], random)
                _write(folder / split / name / f"{prefix}_{1000 + i * 7 + number}.jpg", picture)
    return folder


def write_ferplus_csv(folder: Path, per_class: int = 8, seed: int = 0) -> Path:
    """`fer2013.csv` and, row by row beside it, `fer2013new.csv` with ten votes a face; a few are unknown or no face."""
    random = np.random.default_rng(seed)
    faces, votes = [], []
    for usage, count in _usages(per_class):
        for emotion in random.permutation([*np.repeat(EMOTIONS, count), "unknown", "NF"]):
            shown = emotion if emotion in EMOTIONS else random.choice(EMOTIONS)
            number = FER2013.index(shown) if shown in FER2013 else FER2013.index("neutral")
            faces.append((number, _pixels(grey_face(str(shown), random)), usage))
            name = f"fer{len(votes):07}.png" if emotion != "NF" else ""
            votes.append((usage, name, *_votes(str(emotion), random)))
    _table(folder / "fer2013.csv", ("emotion", "pixels", "Usage"), faces)
    _table(folder / "fer2013new.csv", ("Usage", "Image name", *FERPLUS), votes)
    return folder


def write_ck_plus(folder: Path, per_class: int = 9, seed: int = 0, *, neutral: bool = False) -> Path:
    """`CK+48/anger/S010_004_00000017.png`: three frames of each person; seven folders, or eight with neutral."""
    random = np.random.default_rng(seed)
    people = [Person.drawn(random) for _ in range(-(-per_class // 3))]
    for take, (emotion, name) in enumerate(CK_PLUS_FOLDERS.items(), 1):
        if emotion == "neutral" and not neutral:
            continue
        for i in range(per_class):
            file = f"S{10 + i // 3:03}_{take:03}_{15 + i % 3:08}.png"
            _write(folder / "CK+48" / name / file, grey_face(emotion, random, people[i // 3]))
    return folder / "CK+48"


def write_affectnet(folder: Path, per_class: int = 8, seed: int = 0, left_out: int = 1) -> Path:
    """AffectNet as first given out: training.csv, validation.csv (half as many a class), and pictures of 400x300 px with a box;
    `left_out` pictures each of none, uncertain and no face."""
    random = np.random.default_rng(seed)
    for file, count in (("training.csv", per_class), ("validation.csv", max(1, per_class // 2))):
        rows = []
        for number in random.permutation([*np.repeat(np.arange(8), count), *np.repeat([8, 9, 10], left_out)]):
            name = f"{random.integers(1, 4)}/{random.bytes(28).hex()}.jpg"
            picture, (x, y, side) = _scene(AFFECTNET[number] if number < 8 else str(random.choice(EMOTIONS)), random)
            _write(folder / "Manually_Annotated_Images" / name, picture)
            landmarks = ";".join(f"{v:.2f}" for v in (random.random((68, 2)) * side + (x, y)).ravel())
            felt = random.uniform(-1, 1, 2) if number < 8 else (-2, -2)
            rows.append((name, x, y, side, side, landmarks, number, *felt))
        _table(folder / file, AFFECTNET_HEADER, rows)
    return folder


def write_affectnet_npy(folder: Path, per_class: int = 8, seed: int = 0) -> Path:
    """AffectNet of eight classes: `train_set/images/0.jpg` of 224 px, and `train_set/annotations/0_exp.npy` and its like."""
    random = np.random.default_rng(seed)
    number = 0
    for name, count in (("train_set", per_class), ("val_set", max(1, per_class // 2))):
        (folder / name / "annotations").mkdir(parents=True, exist_ok=True)
        for label in random.permutation(np.repeat(np.arange(8), count)):
            _write(folder / name / "images" / f"{number}.jpg", sized(face(AFFECTNET[label], random), 224))
            notes = {"exp": str(label), "val": "0.25", "aro": "-0.1", "lnd": random.random(136) * 224}
            for kind, value in notes.items():
                np.save(folder / name / "annotations" / f"{number}_{kind}.npy", np.array(value))
            number += 1
    return folder


def write_raf_db(folder: Path, per_class: int = 8, seed: int = 0) -> Path:
    """RAF-DB's basic emotions: list, aligned faces of 100 px, and annotated gender, race and age of each."""
    random = np.random.default_rng(seed)
    basic, lines = folder / "basic", []
    (basic / "Annotation" / "manual").mkdir(parents=True, exist_ok=True)
    for split, digits, count in (("train", 5, per_class), ("test", 4, _quarter(per_class))):
        for i, number in enumerate(random.permutation(np.repeat(np.arange(7), count)), 1):
            stem = f"{split}_{i:0{digits}}"
            lines.append(f"{stem}.jpg {number + 1}\n")
            _write(basic / "Image" / "aligned" / f"{stem}_aligned.jpg", sized(face(RAF_DB[number], random), 100))
            places = "".join(f"{x:.3f}\t{y:.3f}\n" for x, y in random.random((5, 2)) * 100)
            groups = f"{random.integers(0, 3)}\n{random.integers(0, 3)}\n{random.integers(0, 5)}\n"
            (basic / "Annotation" / "manual" / f"{stem}_manu_attri.txt").write_text(places + groups)
    (basic / "EmoLabel").mkdir(exist_ok=True)
    (basic / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))
    return folder


def write_raf_db_folders(folder: Path, per_class: int = 8, seed: int = 0) -> Path:
    """RAF-DB as it is often passed on: `DATASET/train/1/train_00001_aligned.jpg`."""
    random = np.random.default_rng(seed)
    for split, digits, count in (("train", 5, per_class), ("test", 4, _quarter(per_class))):
        for number, emotion in enumerate(RAF_DB):
            for i in range(count):
                name = f"{split}_{number * count + i + 1:0{digits}}_aligned.jpg"
                _write(folder / "DATASET" / split / str(number + 1) / name, sized(face(emotion, random), 100))
    return folder


def _head(board, middle, half, person):
    size = (half, half * person.round)
    _ellipse(board, middle - (0, half * 0.22), (half * 1.12, half * person.round), person.hair)
    _ellipse(board, middle, size, person.skin)


def _eye(board, middle, half, side, person, look, random):
    centre = middle + np.array([side * person.eyes, -0.22]) * half
    size = (half * 0.21, max(half * 0.12 * look.eye, 2))
    _ellipse(board, centre, size, (245, 245, 245))
    gaze = centre + random.uniform(-2, 2, 2)
    _ellipse(board, gaze, (min(half * 0.09, size[1]),) * 2, (30, 25, 20))
    _ellipse(board, centre, size, (50, 35, 30), max(1, person.line // 2))
    inner, outer = (half * (0.3 + h * random.uniform(0.85, 1.15)) for h in look.brow)
    ends = centre + np.array([(-side * half * 0.22, -inner), (side * half * 0.28, -outer)])
    arch = ends.mean(axis=0) - (0, half * 0.05)
    _line(board, [ends[0], arch, ends[1]], person.hair, person.line + 1)


def _nose(board, middle, half, person, look):
    dark = tuple(int(c * 0.7) for c in person.skin)
    _line(board, middle + np.array([(0, -0.1), (-0.1, 0.22), (0.08, 0.24)]) * half, dark, max(2, person.line - 2))
    if look.wrinkled:
        for i in range(3):
            rise = -0.14 + 0.12 * i
            _line(board, middle + np.array([(-0.17, rise), (0, rise - 0.07), (0.17, rise)]) * half, (60, 30, 30), 3)


def _mouth(board, middle, half, person, look, random):
    centre = middle + np.array([0, half * 0.58])
    wide, tall = (half * v * random.uniform(0.9, 1.1) for v in (look.wide, look.open))
    steps = np.linspace(-1, 1, 25)
    # the corners stand above the middle as the ends of a parabola; an asymmetric mouth is pulled up on one side only
    pull = np.where(steps < 0, look.lips[0], look.lips[1]) * half * steps**2
    bow = np.stack([steps * wide, -pull], axis=1)
    if not tall:
        _line(board, centre + bow, (120, 30, 40), person.line)
        return
    gape = np.sqrt(1 - steps**2)[:, None] * (0, tall)
    lips = np.concatenate([bow - gape, (bow + gape)[::-1]]) + centre
    cv2.fillPoly(board, [np.int32(lips * 16)], (70, 10, 20), cv2.LINE_AA, 4)
    cv2.polylines(board, [np.int32(lips * 16)], True, (150, 40, 50), person.line - 1, cv2.LINE_AA, 4)


def _ellipse(board, centre, size, colour, thickness=-1):
    cv2.ellipse(board, np.int32(centre * 16).tolist(), np.int32(np.array(size) * 16).tolist(), 0, 0, 360, colour, thickness,
                cv2.LINE_AA, 4)  # fmt: skip


def _line(board, points, colour, thickness):
    cv2.polylines(board, [np.int32(np.array(points) * 16)], False, colour, thickness, cv2.LINE_AA, 4)


def _scene(emotion, random):
    """A picture (300, 400, 3) with a face somewhere in it, and the face's box (x, y, side)."""
    noise = random.integers(0, 255, (6, 8, 3)).astype(np.uint8)
    picture = cv2.resize(noise, (400, 300), interpolation=cv2.INTER_CUBIC)
    side = int(random.integers(120, 200))
    x, y = int(random.integers(0, 400 - side)), int(random.integers(0, 300 - side))
    picture[y : y + side, x : x + side] = cv2.resize(face(emotion, random), (side, side), interpolation=cv2.INTER_LINEAR)
    return picture, (x, y, side)


def _votes(emotion, random):
    """Ten votes, most of them for `emotion`; all of them where it is not a face."""
    if emotion in ("unknown", "NF"):
        return [10 * (column == emotion) for column in FERPLUS]
    most = int(random.integers(6, 11))
    rest = random.multinomial(10 - most, np.full(9, 1 / 9))
    counts = np.append(rest, 0)
    counts[FERPLUS.index(emotion)] += most
    return counts.tolist()


def _usages(per_class):
    return (("Training", per_class), ("PublicTest", _quarter(per_class)), ("PrivateTest", _quarter(per_class)))


def _quarter(count):
    return max(1, count // 4)


def _pixels(grey):
    return " ".join(map(str, grey.ravel().tolist()))


def _table(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def _write(path, picture):
    """A picture (H, W) or RGB (H, W, 3) at `path`, as its suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())  # JPEG of quality 95
