"""Matching: which anchor is asked for which face, which for none, and which is left alone."""

import numpy as np
import pytest

from ferstream.training.detector.anchor_matching import match
from ferstream.training.detector.face_labels import FaceLabels
from ferstream.workers.models.nets.anchors import anchor_boxes, decode_boxes, decode_landmarks
from ferstream.workers.models.nets.ssd import LEVELS

ANCHORS = anchor_boxes(256, 256, LEVELS)


def labels(*boxes: tuple[float, ...]) -> FaceLabels:
    return FaceLabels.of(np.array(boxes, np.float32))


def test_every_face_has_an_anchor_whose_target_is_the_face() -> None:
    faces = labels((10, 10, 22, 21), (60, 60, 190, 200), (5, 200, 41, 241))
    targets = match(faces, 256, LEVELS)
    positive = targets.objectness == 1
    found = decode_boxes(targets.offsets[positive], ANCHORS[positive])
    distance = np.abs(found[:, None] - faces.boxes[None]).max(axis=2)
    assert distance.min(axis=1).max() < 0.01
    assert set(distance.argmin(axis=1)) == {0, 1, 2}


def test_an_anchor_is_told_the_landmarks_of_its_face() -> None:
    faces = labels((60, 60, 190, 200), (10, 10, 30, 30))
    faces.landmarks[0] = [[90, 100], [150, 100], [120, 130], [100, 160], [140, 160]]
    targets = match(faces, 256, LEVELS)
    positive = targets.objectness == 1
    points = decode_landmarks(targets.landmarks[positive], ANCHORS[positive])
    large = decode_boxes(targets.offsets[positive], ANCHORS[positive])[:, 2] > 100
    np.testing.assert_allclose(points[large], np.broadcast_to(faces.landmarks[0], points[large].shape), atol=0.01)
    assert large.any()
    assert np.isnan(points[~large]).all(), "nobody knows those of the other face"
    assert not large.all()


def test_a_face_too_small_is_neither_asked_for_nor_held_against_the_net() -> None:
    objectness = match(labels((100, 100, 104, 104)), 256, LEVELS).objectness
    assert not (objectness == 1).any()
    near = np.abs(ANCHORS[:, :2] - 102).max(axis=1) < 4
    assert (objectness[near] == -1).all()


def test_a_face_that_only_the_teacher_sees_is_left_alone() -> None:
    box = (100, 100, 140, 140)
    asked = match(labels(box), 256, LEVELS).objectness
    ignored = match(FaceLabels(labels(box).boxes, labels(box).landmarks, np.array([True])), 256, LEVELS).objectness
    assert (asked == 1).any()
    assert not (ignored == 1).any()
    assert (ignored[asked == 1] == -1).sum() >= (asked == 1).sum() - 1, (
        "all but an anchor that was asked for want of a better one"
    )


@pytest.mark.parametrize("side", [6.5, 8, 12])
def test_a_small_face_that_only_the_teacher_sees_is_left_alone_too(side: float) -> None:
    for corner in np.linspace(60, 68, 17):
        box = np.array([[corner, corner, corner + side, corner + side]], np.float32)
        faces = FaceLabels(box, FaceLabels.of(box).landmarks, np.array([True]))
        assert (match(faces, 256, LEVELS).objectness == -1).any()


def test_a_view_without_faces_asks_for_none() -> None:
    targets = match(FaceLabels.of(np.zeros((0, 4), np.float32)), 256, LEVELS)
    assert (targets.objectness == 0).all()
