"""What the cameras of scenarios show: small pictures, so that two thousand frames take seconds."""

from pathlib import Path

import cv2
import numpy as np
from skimage import data

from tests.faults.inside.worker import CROWD_WIDTH

COUNT = 16


def draw_pictures(folder: Path) -> None:
    """The folders `quiet` (no face), `faces` (one) and `crowd` (as wide as the worker's injected crowd is)."""
    head = cv2.resize(data.astronaut()[0:240, 110:350, ::-1], (120, 120), interpolation=cv2.INTER_AREA)
    wall = np.random.default_rng(0).integers(60, 120, (120, 160, 3), np.uint8)
    for number in range(COUNT):
        quiet = wall.copy()
        quiet[:, number * 8 : number * 8 + 8] = 200
        faces = quiet.copy()
        faces[:, 20 + number : 140 + number] = head
        for name, picture in (("quiet", quiet), ("faces", faces), ("crowd", cv2.resize(quiet, (CROWD_WIDTH, 480)))):
            path = folder / name / f"{number:02d}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), picture)
