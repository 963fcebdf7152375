"""Views of labelled faces: boxes and landmarks go where the pixels go."""

import numpy as np
import pytest

from ferstream.training.common.packs import Pack
from ferstream.training.detector.face_labels import FaceLabels
from ferstream.training.detector.face_pack import FacePack, cut_faces
from ferstream.training.detector.face_views import disturb, mosaic, zoom_and_turn
from ferstream.training.detector.yunet_teacher import taught
from tests.support.training_packs import write_pack

BOX = np.array([[140, 80, 180, 120]], np.float32)
#: Right eye, left eye, nose, right and left corner of the mouth; a person's right eye is on the picture's left.
POINTS = np.array([[[150, 90], [170, 90], [160, 100], [152, 112], [168, 112]]], np.float32)


def labelled(ignored: bool = False) -> FaceLabels:
    return FaceLabels(BOX.copy(), POINTS.copy(), np.array([ignored]))


def picture_with_a_face() -> np.ndarray:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[80:120, 140:180] = 90  # on black: what is lit is the face, or the fill outside the picture
    for place, (x, y) in enumerate(POINTS[0].astype(int)):
        picture[y - 2 : y + 3, x - 2 : x + 3] = 200 if place == 2 else 255
    return picture


def test_labels_follow_the_pixels() -> None:
    picture = picture_with_a_face()
    seen = 0
    for seed in range(40):
        view, moved = zoom_and_turn(picture, labelled(), 128, np.random.default_rng(seed))
        again, _ = zoom_and_turn(picture, labelled(), 128, np.random.default_rng(seed))
        np.testing.assert_array_equal(view, again)
        assert view.shape == (128, 128, 3)
        nose = moved.landmarks[0, 2].round().astype(int)
        if (nose >= 4).all() and (nose < 124).all() and moved.sides()[0] > 24:
            assert view[nose[1], nose[0]].max() > 150, "the nose is where the label says"
            lit = view.max(axis=2) > 60
            x0, y0, x1, y1 = moved.boxes[0].round().astype(int).clip(0, 127)
            assert lit[y0:y1, x0:x1].mean() > 0.6, "the box is where the face is"
            seen += 1
    assert seen > 5


def test_a_mirror_changes_sides() -> None:
    mirrored = labelled().flipped(300)
    np.testing.assert_array_equal(mirrored.boxes, [[120, 80, 160, 120]])
    np.testing.assert_array_equal(mirrored.landmarks[0, 0], [130, 90])
    assert mirrored.landmarks[0, 0, 0] < mirrored.landmarks[0, 1, 0], "the right eye stays on the picture's left"
    np.testing.assert_array_equal(mirrored.flipped(300).landmarks, POINTS)


def test_a_mosaic_keeps_every_face_in_its_quarter() -> None:
    view = np.zeros((128, 128, 3), np.uint8)
    face = FaceLabels.of(np.array([[32, 32, 96, 96]], np.float32))
    _, joined = mosaic([(view, face)] * 4, 128)
    np.testing.assert_array_equal(joined.boxes[:, :2], [[16, 16], [80, 16], [16, 80], [80, 80]])


def test_faces_whose_centre_left_the_view_are_gone() -> None:
    moved = labelled().scaled(1.0, (-150, 0)).within(128)
    assert len(moved) == 1
    assert len(labelled().scaled(1.0, (-165, 0)).within(128)) == 0
    assert moved.boxes.min() >= 0


def test_cameras_disturb_colours_not_sizes() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    for seed in range(20):
        changed = disturb(picture, np.random.default_rng(seed))
        assert changed.shape == picture.shape
        assert changed.dtype == np.uint8


def test_the_teacher_adds_landmarks_and_hides_what_nobody_labelled() -> None:
    found = np.concatenate([np.concatenate([BOX, POINTS.reshape(1, 10)], 1), np.full((1, 14), 10, np.float32)]).astype(np.float32)
    found[1, 2:4] = 50  # a face that nobody labelled
    labels = taught(FaceLabels.of(BOX.copy()), found)
    np.testing.assert_array_equal(labels.landmarks[0], POINTS[0])
    np.testing.assert_array_equal(labels.ignored, [False, True])
    empty = taught(FaceLabels.of(np.zeros((0, 4), np.float32)), found)
    assert len(empty) == 0, "a picture labelled as without faces is believed"


@pytest.mark.parametrize("covered", [False, True])
def test_faces_in_colour_are_cut_where_nothing_covers_them(tmp_path, covered) -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[20:70, 30:80] = (10, 60, 200)  # BGR
    arrays = {"boxes_xyxy": np.array([[30, 20, 80, 70], [0, 0, 12, 12]], np.float32), "box_offsets": np.array([0, 2])}
    write_pack(tmp_path / "p.npz", [picture], ["train"], occluded=np.array([covered, False]), **arrays)
    crops = cut_faces(FacePack((Pack(tmp_path / "p.npz", ()),), ((0, 0),)), 48, 0.0)
    assert len(crops) == (0 if covered else 1), "one is too small"
    if not covered:
        np.testing.assert_allclose(crops[0].mean(axis=(0, 1)), [200, 60, 10], atol=12)
