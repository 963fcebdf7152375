"""Where a face will be, and which face is where it should be."""

import numpy as np
import pytest

from ferstream.consumer.tracking.assignment import assign, iou
from ferstream.consumer.tracking.motion import Motion
from ferstream.streams.wire.messages import Face


def box(x, y=100.0, size=100.0):
    return (x, y, x + size, y + size)


def face(x, score=0.9, **more):
    return Face(box=box(x, **more), score=score, quality=1.0, emotion="neutral", probabilities=(0.125,) * 8)


def walked(fps, speed, seconds=2.0):
    """A face that walks at so many pixels a second, seen for so long."""
    motion = Motion.at(box(0.0))
    for step in range(1, round(seconds * fps) + 1):
        motion.predict(1 / fps)
        motion.correct(box(speed * step / fps))
    return motion


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
    ],
)
def test_iou(a, b, expected):
    assert iou(np.array([a], float), np.array([b], float))[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize("fps", [5, 15, 60])
def test_the_speed_of_a_walk_is_found_at_any_frame_rate(fps):
    motion = walked(fps, 80.0)
    assert motion.vx == pytest.approx(80.0, rel=0.01)
    assert motion.vy == pytest.approx(0.0, abs=1e-6)


def test_many_short_steps_lead_to_where_one_long_one_does():
    once, often = walked(15, 80.0), walked(15, 80.0)
    once.predict(0.6)
    for _ in range(60):
        often.predict(0.01)
    for name in Motion.__slots__:
        assert getattr(once, name) == pytest.approx(getattr(often, name), rel=1e-9)


def test_where_an_unseen_face_is_grows_less_certain():
    motion, spreads = walked(15, 80.0), []
    for _ in range(10):
        motion.predict(0.2)
        spreads.append(motion.spread)
    assert spreads == sorted(spreads)
    assert motion.x == pytest.approx(50 + 80 * 4, rel=0.01)


def test_the_greatest_overlap_in_all_wins():
    """The first face overlaps both tracks, the second only the first."""
    motions = [Motion.at(box(0.0)), Motion.at(box(60.0))]
    assert assign([face(20.0), face(-30.0)], motions, 0.6) == {0: 1, 1: 0}


def test_a_sure_face_comes_before_an_unsure_one():
    motions = [Motion.at(box(0.0))]
    assert assign([face(0.0, score=0.5), face(30.0)], motions, 0.6) == {1: 0}
    assert assign([face(0.0, score=0.5), face(3000.0)], motions, 0.6) == {0: 0}


def test_what_does_not_overlap_is_matched_where_it_may_have_come_to():
    motions = [Motion.at(box(0.0)), Motion.at(box(1000.0))]
    assert assign([face(150.0)], motions, 0.6) == {}
    for motion in motions:
        motion.predict(1.0)
    assert assign([face(150.0)], motions, 0.6) == {0: 0}
    assert assign([face(150.0, size=300.0)], motions, 0.6) == {}
