"""Faces cut out of a picture: the square that the classifier sees, what it shows of the face, the head's turn, and the answer.

These are the steps between the two models. A worker's stages and FaceRecognizer both call them; nothing else does their work.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.messages import Face, HeadPose
from ferstream.workers.models.card import ModelCard
from ferstream.workers.models.classifier import name_of
from ferstream.workers.models.detector import Boxes, Picture

Float = NDArray[np.float32]

#: Variance of the Laplacian at which a 48 px crop is as sharp as it is blurred: half quality.
HALF_SHARPNESS = 60.0
#: A generic face in millimetres, about the tip of its nose: x to the right of the picture, y down, z away from the camera. Right
#: eye, left eye, tip of the nose, right and left corner of the mouth, as the person has them. It stands as heads in photographs
#: do: the median pitch of the faces that `python -m tests.benchmarks.pose` finds is 0.
GENERIC_FACE = np.array([[-31.5, -36.4, 20.0], [31.5, -36.4, 20.0], [0, 0, 0], [-28.6, 24.2, 28.4], [28.6, 24.2, 28.4]])
#: What maps landmarks, about their middle, back onto it (3, 5).
TO_GENERIC_FACE = np.linalg.pinv(GENERIC_FACE - GENERIC_FACE.mean(axis=0))
#: Landmarks whose spread across their line is a smaller share of that along it tell no turn. Of the generic face it is 0.36 at
#: least, however it is turned.
LEAST_BREADTH = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrop:
    """One face on its way to the classifier: its `pixels` (side, side, 3), and what is known of it by then.

    `box` (xyxy) and `landmarks` (five points, None where the detector gives none) are in pixels of the picture as captured.
    """

    pixels: Picture = field(repr=False)
    box: tuple[float, float, float, float]
    score: float
    quality: float
    landmarks: tuple[tuple[float, float], ...] | None

    def named(self, probabilities: Float, card: ModelCard) -> Face:
        """The answer for this face, by the classifier's `probabilities` (labels,): its emotion, or unknown; and its pose."""
        return Face(
            box=self.box,
            score=self.score,
            quality=self.quality,
            emotion=name_of(probabilities, self.quality, card),
            probabilities=tuple(probabilities.tolist()),
            landmarks=self.landmarks,
            pose=None if self.landmarks is None else head_pose(self.landmarks),
        )


def cut_faces(picture: Picture, boxes: Boxes, card: ModelCard, captured: tuple[int, int] | None = None) -> list[FaceCrop]:
    """Every face of `boxes` cut out of `picture` for the classifier of `card`, in their order.

    `captured` is the width and height of the frame as captured, where the picture was scaled since: the faces' boxes and
    landmarks are in its pixels.
    """
    height, width = picture.shape[:2]
    wide, high = captured or (width, height)
    scale = np.array([wide / width, high / height] * 2, np.float32)
    faces = []
    for xyxy, score, landmarks in zip(boxes.xyxy, boxes.scores, boxes.landmarks, strict=True):
        pixels = square_crop(picture, xyxy, card.input_size, card.margin)
        x0, y0, x1, y1 = (float(value) for value in xyxy * scale)
        quality = face_quality(pixels, float((xyxy[2:] - xyxy[:2]).max()), float(score), landmarks)
        points = tuple((x, y) for x, y in (landmarks * scale[:2]).tolist()) if np.isfinite(landmarks).all() else None
        faces.append(FaceCrop(pixels, (x0, y0, x1, y1), float(score), quality, points))
    return faces


def square_crop(picture: Picture, box_xyxy: Float, size: int, margin: float, out: Picture | None = None) -> Picture:
    """The face in `box_xyxy` as a (size, size, 3) picture, written into `out` where it is given.

    The square is centred on the box, as wide as its longer side times 1 + `margin`. Where it leaves the frame its border
    pixels are repeated, so that a face at the edge keeps its proportions.
    """
    side = max(1.0, float(max(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1])) * (1 + margin))
    left, top = (box_xyxy[:2] + box_xyxy[2:]) / 2 - side / 2
    x0, y0 = round(float(left)), round(float(top))
    x1, y1 = x0 + max(1, round(side)), y0 + max(1, round(side))
    height, width = picture.shape[:2]
    cut = picture[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
    if cut.shape[0] != y1 - y0 or cut.shape[1] != x1 - x0:
        cut = cv2.copyMakeBorder(cut, max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width), cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    shrinks = cut.shape[0] > size
    return cv2.resize(cut, (size, size), dst=out, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[return-value]


def face_quality(crop: Picture, side_px: float, score: float, landmarks: Float) -> float:
    """Quality 0..1 of a face: size, times sharpness, times how far it faces the camera, times the detector's `score`.

    `crop` (size, size, 3), `side_px` the side of its box in pixels of the decoded frame, `landmarks` (5, 2). Size counts up to
    the crop's own; sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000,
    https://doi.org/10.1109/ICPR.2000.903548).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    size = min(1.0, side_px / int(crop.shape[0]))
    return size * sharpness / (sharpness + HALF_SHARPNESS) * frontality(landmarks) * score


def frontality(landmarks: Float) -> float:
    """The cosine of the head's turn to the side: 1 facing the camera, 0 in profile; 1 where there are no landmarks.

    The tip of a nose stands out from between the eyes by about half of their distance, so its place on the line from eye to
    eye, 0.5 when frontal, gives the tangent of the turn.
    """
    right, left, nose = landmarks[:3].astype(float)
    across = left - right
    length = float(across @ across)
    if not length > 0:  # also where they are not numbers
        return 1.0
    tangent = 2 * float((nose - right) @ across) / length - 1
    return 1 / math.hypot(1, tangent)


def head_pose(landmarks: Sequence[tuple[float, float]] | NDArray[np.float32]) -> HeadPose | None:
    """The pose of the head with these landmarks (5, 2), in pixels; None where they coincide, lie on a line, or are not finite.

    Seen from afar, the landmarks are a linear map of the generic face (pose from orthography and scaling: DeMenthon and Davis
    1995, https://doi.org/10.1007/BF01450852). The rotation nearest to it is read as roll after yaw after pitch, so that turning
    the picture changes the roll and nothing else.

    How far off it is, `python -m tests.benchmarks.pose` measures. From landmarks that are 3 % of the eyes' distance off, on faces
    whose proportions differ by 4 %, it is 4 to 8 degrees for yaw and pitch and 2 to 5 for roll. The packaged detector's landmarks
    are worse: they follow a head that turns to the side, and hardly one that leans or nods, so its roll and pitch stay near 0.
    """
    points = np.asarray(landmarks, np.float64)
    if not np.isfinite(points).all():
        return None
    centred = points - points.mean(axis=0)
    size = float(np.abs(centred).max())
    if size == 0:
        return None
    centred /= size
    (xx, xy), (_, yy) = (centred.T @ centred).tolist()
    along = (xx + yy + math.hypot(xx - yy, 2 * xy)) / 2
    across = xx + yy - along
    if across < LEAST_BREADTH**2 * along:
        return None
    return _turn_of(TO_GENERIC_FACE @ centred)


def _turn_of(linear: NDArray[np.float64]) -> HeadPose | None:
    """The angles of the rotation nearest to a linear map (3, 2) of the face onto the picture.

    Plain numbers, since NumPy takes longer for so few, and OpenCV lets other threads in between.
    """
    (a, b), (_, c) = (linear.T @ linear).tolist()
    if not (determinant := a * c - b * b) > 0:
        return None
    root = math.sqrt(determinant)
    length = root * math.sqrt(a + c + 2 * root)
    (x1, x2, x3), (y1, y2, y3) = linear.T.tolist()
    p, q, r = (c + root) / length, b / length, (a + root) / length  # the inverse root of the map's square, 2 x 2
    u1, u2, u3 = p * x1 - q * y1, p * x2 - q * y2, p * x3 - q * y3
    v1, v2, v3 = r * y1 - q * x1, r * y2 - q * x2, r * y3 - q * x3
    return HeadPose(
        yaw=math.degrees(math.asin(max(-1.0, min(1.0, u2 * v3 - u3 * v2)))),
        pitch=-math.degrees(math.atan2(u3 * v1 - u1 * v3, u1 * v2 - u2 * v1)),
        roll=math.degrees(math.atan2(v1, u1)),
    )
