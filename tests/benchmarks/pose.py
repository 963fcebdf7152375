"""`python -m tests.benchmarks.pose`: how far off the pose of a head is, where its true turn is known.

Three questions, three tables: what the computation makes of landmarks that are nearly right, on faces that are not the generic
one; whether the packaged detector's landmarks follow a portrait that is turned in its plane or mirrored; and what poses it finds
on photographs of people, whose median says where 0 lies.
"""

import sys
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.workers.faces.crop import GENERIC_FACE, head_pose
from ferstream.workers.models.detector import Detector, Picture
from ferstream.workers.models.registry import open_detector
from tests.support.paths import DATA
from tests.support.turned_faces import EYES_PX, portraits, projected, turned_picture

TURNS = [(yaw, pitch) for yaw in (0, 20, 40, 60) for pitch in (-20, 0, 20)]
ROLLS = (-30, -20, -10, 10, 20, 30)
Angles = NDArray[np.float64]


def angles_of(landmarks: NDArray) -> Angles:
    """Yaw, pitch and roll."""
    pose = head_pose(landmarks)
    assert pose is not None
    return np.array([pose.yaw, pose.pitch, pose.roll])


def errors_of_geometry(noise: float, variety: float, tries: int = 200) -> dict[tuple[int, int], Angles]:
    """Mean absolute error (3,) of yaw, pitch and roll at each of TURNS, over rolls of -30 to 30 degrees.

    Landmarks are off by `noise` of the eyes' distance, faces differ from the generic one by `variety` of it (standard
    deviations of each coordinate).
    """
    random, found = np.random.default_rng(0), {}
    for yaw, pitch in TURNS:
        errors = []
        for roll in random.uniform(-30, 30, tries):
            face = GENERIC_FACE + random.normal(0, variety * 63, GENERIC_FACE.shape)
            points = projected(yaw, pitch, roll, face) + random.normal(0, noise * EYES_PX, (5, 2))
            errors.append(np.abs(angles_of(points) - [yaw, pitch, roll]))
        found[yaw, pitch] = np.mean(errors, axis=0)
    return found


def angles_in(picture: Picture, detector: Detector) -> Angles | None:
    """Of the likeliest face."""
    landmarks = detector([picture])[0].landmarks
    return angles_of(landmarks[0]) if len(landmarks) else None


def changes_of_portraits(detector: Detector) -> dict[str, dict[int, Angles]]:
    """By how much the pose of each portrait changes when the picture is turned clockwise: (0, 0, the angle) would be right."""
    changes: dict[str, dict[int, Angles]] = {}
    for name, picture in portraits().items():
        upright = angles_in(picture, detector)
        turned = {degrees: angles_in(turned_picture(picture, degrees), detector) for degrees in ROLLS}
        changes[name] = {degrees: angles - upright for degrees, angles in turned.items() if angles is not None}
    return changes


def sums_of_mirrored(detector: Detector) -> dict[str, Angles]:
    """Pose of each portrait against that of its mirror image: yaw and roll should add up to 0, pitch should be the same."""
    sums = {}
    for name, picture in portraits().items():
        one, other = angles_in(picture, detector), angles_in(np.ascontiguousarray(picture[:, ::-1]), detector)
        assert one is not None
        assert other is not None
        sums[name] = one + other * [1, -1, 1]
    return sums


def poses_of_photographs(detector: Detector, most: int = 300, side: float = 90) -> Angles | None:
    """Poses (n, 3) of the large faces in the shared folder's photographs, or None where they are not there."""
    path = DATA / "data" / "faces_trainval_1.npz"
    if not path.exists():
        return None
    pack, found = np.load(path), []
    images, offsets = pack["images"], pack["offsets"]
    for first, end in pairwise(offsets):
        boxes = detector([np.asarray(cv2.imdecode(images[first:end], cv2.IMREAD_COLOR_RGB), np.uint8)])[0]
        large = (boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]).max(axis=1) > side
        found += [angles_of(landmarks) for landmarks in boxes.landmarks[large & (boxes.scores > 0.8)]]
        if len(found) >= most:
            break
    return np.array(found)


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")


def row(*cells: object) -> str:
    return " | ".join(["", *(f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells), ""]).strip()


def main() -> None:
    for noise, variety in ((0.0, 0.0), (0.03, 0.0), (0.03, 0.04)):
        say(
            f"Landmarks off by {noise:.0%} of the eyes' distance, faces that differ by {variety:.0%} of it: mean error in degrees"
        )
        say("| yaw, pitch | of yaw | of pitch | of roll |\n|---|---|---|---|")
        for (yaw, pitch), error in errors_of_geometry(noise, variety).items():
            say(row(f"{yaw}, {pitch}", *error.tolist()))
        say()
    detector = open_detector(None, "cpu")
    say("Portraits turned in their plane, packaged detector: change of the pose in degrees")
    say("| portrait | turned by | yaw | pitch | roll |\n|---|---|---|---|---|")
    for name, changes in changes_of_portraits(detector).items():
        for degrees, change in changes.items():
            say(row(name, degrees, *change.tolist()))
    say("\nPortraits and their mirror images: what should be 0, in degrees")
    say("| portrait | sum of yaws | difference of pitches | sum of rolls |\n|---|---|---|---|")
    for name, total in sums_of_mirrored(detector).items():
        say(row(name, *total.tolist()))
    poses = poses_of_photographs(detector)
    if poses is not None:
        say(f"\n{len(poses)} faces in photographs, packaged detector: degrees\n| | yaw | pitch | roll |\n|---|---|---|---|")
        say(row("median", *np.median(poses, axis=0).tolist()))
        say(row("standard deviation", *poses.std(axis=0).tolist()))


if __name__ == "__main__":
    main()
