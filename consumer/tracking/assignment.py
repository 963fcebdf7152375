"""Which face is which track: the assignment with the greatest overlap, surer faces first, then by distance what is left.

The two passes by score are ByteTrack's (Zhang et al. 2022): a face that is half hidden scores low, and still continues a track.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ferstream.consumer.tracking.motion import LEAST_SIZE, Motion
from ferstream.streams.wire.messages import Face

#: Boxes that overlap less are not matched by overlap.
LEAST_IOU = 0.2
#: For a face of a low score, which may be of nobody.
LEAST_IOU_UNSURE = 0.5
#: A distance of so many standard deviations is too far: people turn round and stop more than the noise of a filter says.
REACH = 4.0
#: And so many sizes of the face, whatever the uncertainty.
MOST_SIZES = 5.0
#: Faces of one person are of one size, to this factor between two sightings.
SIZE_FACTOR = 1.6

Matrix = NDArray[np.float64]


def assign(faces: Sequence[Face], motions: Sequence[Motion], sure_score: float) -> dict[int, int]:
    """Match faces to tracks.

    Args:
        faces: those of a frame.
        motions: those of the tracks, predicted to the time of the frame.
        sure_score: faces of this score or more are matched first.

    Returns:
        For the index of a face that was matched, the index of its track.
    """
    if not faces or not motions:
        return {}
    overlap, matched = _overlaps(faces, motions), dict[int, int]()
    sure = [index for index, face in enumerate(faces) if face.score >= sure_score]
    unsure = [index for index, face in enumerate(faces) if face.score < sure_score]
    for some, least in ((sure, LEAST_IOU), (unsure, LEAST_IOU_UNSURE)):
        matched |= _best(np.where(overlap >= least, overlap, 0.0), some, _rest(len(motions), matched))
    left = [index for index in range(len(faces)) if index not in matched]
    if left and len(matched) < len(motions):
        matched |= _best(_nearness(faces, motions), left, _rest(len(motions), matched))
    return matched


def iou(boxes: Matrix, others: Matrix) -> Matrix:
    """Intersection over union of xyxy boxes, 0 where either has no area. (n, 4), (m, 4) -> (n, m)"""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    both = np.prod(np.maximum(0.0, high - low), axis=2)
    union = _areas(boxes)[:, None] + _areas(others)[None, :] - both
    shares: Matrix = np.divide(both, union, out=np.zeros_like(both), where=(both > 0) & (union > 0))
    return shares


def _rest(tracks: int, matched: dict[int, int]) -> list[int]:
    taken = set(matched.values())
    return [index for index in range(tracks) if index not in taken]


def _best(likeness: Matrix, faces: list[int], tracks: list[int]) -> dict[int, int]:
    """The pairs of these faces and tracks with the greatest sum; 0 is no pair."""
    if not faces or not tracks:
        return {}
    some = likeness[np.ix_(faces, tracks)]
    rows, columns = linear_sum_assignment(some, maximize=True)
    return {faces[row]: tracks[column] for row, column in zip(rows, columns, strict=True) if some[row, column] > 0}


def _overlaps(faces: Sequence[Face], motions: Sequence[Motion]) -> Matrix:
    return iou(np.array([face.box for face in faces], float), np.array([motion.box for motion in motions], float))


def _areas(boxes: Matrix) -> Matrix:
    areas: Matrix = np.prod(np.maximum(0.0, boxes[:, 2:] - boxes[:, :2]), axis=1)
    return areas


def _nearness(faces: Sequence[Face], motions: Sequence[Motion]) -> Matrix:
    """1 where a face is where its track is thought to be, falling to 0 at the edge of reach. (faces, tracks)"""
    boxes = np.array([face.box for face in faces], float)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sizes = np.sqrt(np.maximum(LEAST_SIZE * LEAST_SIZE, _areas(boxes)))
    thought = np.array([(motion.x, motion.y, motion.size, motion.spread) for motion in motions], float)
    away = np.linalg.norm(centres[:, None] - thought[None, :, :2], axis=2) / thought[None, :, 2]
    reach = np.minimum(MOST_SIZES, REACH * np.sqrt(thought[:, 3]))
    factor = np.abs(np.log(sizes[:, None] / thought[None, :, 2])) / np.log(SIZE_FACTOR)
    nearness: Matrix = np.maximum(0.0, 1 - away / reach) * np.maximum(0.0, 1 - factor)
    return nearness
