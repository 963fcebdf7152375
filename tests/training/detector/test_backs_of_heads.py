"""Heads from behind: one face less, hair where it was, and everything else untouched."""

import numpy as np

from ferstream.training.detector.backs_of_heads import turn_away
from ferstream.training.detector.face_labels import FaceLabels

BOXES = np.array([[100, 80, 160, 150], [20, 100, 32, 112]], np.float32)


def picture() -> np.ndarray:
    scene = np.full((240, 300, 3), 200, np.uint8)
    scene[50:90, 90:170] = 20  # hair
    scene[90:150, 100:160] = 150  # face
    return scene


def test_a_face_goes_under_its_hair_and_out_of_the_labels() -> None:
    before = picture()
    turned, labels = turn_away(before, FaceLabels.of(BOXES), np.random.default_rng(0))
    np.testing.assert_array_equal(labels.boxes, BOXES[1:], "the small face is none to turn away")
    assert not labels.ignored.any()
    assert turned[115, 130].max() < 60, "hair in the middle of the face"
    far = np.ones(before.shape[:2], bool)
    far[60:170, 80:180] = False
    np.testing.assert_array_equal(turned[far], before[far])
    np.testing.assert_array_equal(before, picture(), "what comes in is not written to")


def test_a_face_under_the_hair_of_another_is_not_asked_for() -> None:
    both = np.concatenate([BOXES[:1], np.array([[140, 110, 158, 128]], np.float32)])
    _, labels = turn_away(picture(), FaceLabels.of(both), np.random.default_rng(0))
    np.testing.assert_array_equal(labels.ignored, [True])


def test_a_face_at_the_upper_edge_has_no_hair_to_show() -> None:
    boxes = np.array([[100, 2, 160, 72]], np.float32)
    before = picture()
    turned, labels = turn_away(before, FaceLabels.of(boxes), np.random.default_rng(0))
    assert turned is before
    assert len(labels) == 1
