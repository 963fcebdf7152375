import numpy as np
import pytest

from ferstream.workers.faces.crop import face_quality, square_crop


@pytest.fixture
def picture() -> np.ndarray:
    """Column number in red, row number in green."""
    rows, columns = np.mgrid[0:100, 0:200]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)


def test_the_square_has_the_longer_side_and_the_boxes_centre(picture):
    crop = square_crop(picture, np.array([50, 30, 70, 70], np.float32), 40, 0.0)
    assert crop.shape == (40, 40, 3)
    assert crop[0, 0].tolist() == [40, 30, 0]
    assert crop[39, 39].tolist() == [79, 69, 0]


def test_the_margin_grows_it(picture):
    crop = square_crop(picture, np.array([50, 30, 70, 50], np.float32), 30, 0.5)
    assert crop[0, 0].tolist() == [45, 25, 0]


def test_what_lies_outside_repeats_the_border(picture):
    crop = square_crop(picture, np.array([-10, 80, 10, 100], np.float32), 20, 0.0)
    assert crop[0, 0].tolist() == [0, 80, 0]
    assert crop[0, 9].tolist() == [0, 80, 0]
    assert crop[0, 19].tolist() == [9, 80, 0]


@pytest.mark.parametrize("box", [[0, 0, 200, 100], [199, 99, 200, 100], [0, 0, 1, 1], [0, 99, 200, 100]])
def test_any_box_inside_the_frame_gives_a_crop(picture, box):
    assert square_crop(picture, np.array(box, np.float32), 48, 0.3).shape == (48, 48, 3)


def test_quality_falls_with_size_and_sharpness():
    random = np.random.default_rng(0)
    sharp = random.integers(0, 256, (48, 48, 3), np.uint8)
    flat = np.full((48, 48, 3), 128, np.uint8)
    nobody = np.full((5, 2), np.nan, np.float32)

    def quality(crop: np.ndarray, side_px: float) -> float:
        return face_quality(crop, side_px, 1.0, nobody)

    assert quality(flat, 48) == 0
    assert 0 < quality(sharp, 12) < quality(sharp, 48) <= 1
    assert quality(sharp, 480) == quality(sharp, 48)
