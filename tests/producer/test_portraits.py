"""The demo's cameras: what moves, how they differ, and the number in the corner of each picture."""

import threading

import cv2
import numpy as np
import pytest
import simplejpeg

from ferstream.producer.sources.frame_code import draw_code
from ferstream.producer.sources.synthetic import Portraits
from tests.support.frame_code import read_code


def camera(variant: int = 0) -> Portraits:
    source = Portraits(15, threading.Event(), realtime=False, variant=variant)
    source.open()
    return source


def as_shown(picture: np.ndarray, width: int, quality: int = 75) -> np.ndarray:
    """An RGB picture as a viewer has it: scaled, and through a JPEG with half of the colour."""
    small = cv2.resize(picture, (width, width * 9 // 16), interpolation=cv2.INTER_AREA)
    jpeg = simplejpeg.encode_jpeg(small, quality=quality, colorsubsampling="420")
    return simplejpeg.decode_jpeg(jpeg)


def test_portraits_move():
    source = camera()
    first, later = source.compose(0), source.compose(45)
    assert first.shape == (720, 1280, 3)
    assert np.abs(first.astype(int) - later).mean() > 5
    frames = source.frames()
    assert np.array_equal(next(frames).picture, first)


def test_cameras_side_by_side_differ():
    firsts = [camera(variant).compose(0).astype(int) for variant in range(8)]
    assert all(np.abs(one - other).mean() > 5 for n, one in enumerate(firsts) for other in firsts[:n])


@pytest.mark.parametrize("width", [1280, 640, 500, 360, 320])
def test_the_number_of_a_picture_is_read_from_what_a_viewer_sees(width):
    source = camera(1)
    for number in (0, 1, 107, 65_535, 123_456_789, 2**32 - 1):
        assert read_code(as_shown(cv2.cvtColor(source.compose(number), cv2.COLOR_BGR2RGB), width)) == number


def test_each_frame_carries_its_own_number():
    frames = camera().frames()
    given = [next(frames) for _ in range(3)]
    assert [read_code(np.asarray(frame.picture)) for frame in given] == [frame.number for frame in given] == [0, 1, 2]


def test_a_number_is_read_for_sure_or_not_at_all():
    picture = camera().compose(5)
    assert read_code(picture[:-200]) is None, "a picture without a code"
    assert read_code(np.zeros_like(picture)) is None, "a black one"
    draw_code(picture, 2**32 + 7)
    assert read_code(picture) == 7
    picture[-60:-50, -140:-130] = 192  # a cell of another grey
    assert read_code(picture) is None
    draw_code(picture, 7)
    picture[-64:-48, -144:-128] = 192  # a bit that was 0
    assert read_code(picture) is None
