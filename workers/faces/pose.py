"""Which way a head is turned, from five landmarks: approximate, since every face is taken for the same generic one."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.messages import HeadPose

#: A generic face in millimetres, about the tip of its nose: x to the right of the picture, y down, z away from the camera. Right
#: eye, left eye, tip of the nose, right and left corner of the mouth, as the person has them. It stands as heads in photographs
#: do: the median pitch of the faces that `python -m tests.benchmarks.pose` finds is 0.
GENERIC_FACE = np.array([[-31.5, -36.4, 20.0], [31.5, -36.4, 20.0], [0, 0, 0], [-28.6, 24.2, 28.4], [28.6, 24.2, 28.4]])
#: The camera is taken to be this many face sizes away, about two metres. How far it really is, landmarks alone do not tell.
FAR = 30.0
#: Landmarks whose spread across their line is a smaller share of that along it tell no turn. Of the generic face it is 0.36 at
#: least, however it is turned.
LEAST_BREADTH = 0.05


def head_pose(landmarks: Sequence[tuple[float, float]] | NDArray[np.float32]) -> HeadPose | None:
    """The pose of the head with these landmarks (5, 2), in pixels; None where they coincide, lie on a line, or are not finite.

    The generic face is turned until it projects onto the landmarks (perspective from n points: Terzakis and Lourakis 2020,
    https://doi.org/10.1007/978-3-030-58452-8_28). Its rotation is read as roll after yaw after pitch, so that turning the
    picture changes the roll and nothing else.

    How far off it is, `python -m tests.benchmarks.pose` measures. From landmarks that are 3 % of the eyes' distance off, on faces
    whose proportions differ by 4 %, it is 5 to 7 degrees for yaw and pitch and 2 for roll. The packaged detector's landmarks are
    worse: they follow a head that turns to the side, and hardly one that leans or nods, so its roll and pitch stay near 0.
    """
    points = np.asarray(landmarks, np.float64)
    if not np.isfinite(points).all():
        return None
    size = float(np.ptp(points, axis=0).max())
    if size == 0:
        return None
    centred = (points - points.mean(axis=0)) / size
    along, across = np.linalg.svd(centred, compute_uv=False)
    if across < LEAST_BREADTH * along:
        return None
    found, rotation, _ = cv2.solvePnP(GENERIC_FACE, centred, np.diag([FAR, FAR, 1]), None, flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        return None
    turned, _ = cv2.Rodrigues(rotation)
    return HeadPose(
        yaw=math.degrees(math.asin(max(-1.0, min(1.0, turned[2, 0])))),
        pitch=-math.degrees(math.atan2(turned[2, 1], turned[2, 2])),
        roll=math.degrees(math.atan2(turned[1, 0], turned[0, 0])),
    )
