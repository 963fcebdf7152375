"""Which picture goes with which faces."""

import pytest

from ferstream.consumer.dashboard.live.camera.pairing import HOLD_S, MOST, Pairing

FRAME, NEXT = (7, 1.5), (8, 1.6)


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def pairs(clock):
    return Pairing(lambda: clock[0])


def test_whichever_comes_first_waits_for_the_other(pairs):
    assert pairs.faces(FRAME, "faces") is None
    assert pairs.picture(NEXT, "next picture") is None
    assert pairs.picture(FRAME, "picture") == ("faces", "picture")
    assert pairs.faces(NEXT, "next faces") == ("next faces", "next picture")


def test_a_pair_is_given_once(pairs):
    pairs.faces(FRAME, "faces")
    assert pairs.picture(FRAME, "picture")
    assert pairs.faces(FRAME, "faces of a repeat") is None


def test_a_camera_that_counts_anew_is_not_mistaken_for_its_past(pairs):
    pairs.picture((7, 1.5), "before")
    assert pairs.faces((7, 99.5), "after") is None


def test_nothing_waits_for_longer_than_a_second_nor_in_numbers(pairs, clock):
    pairs.faces(FRAME, "faces")
    clock[0] += HOLD_S + 0.1
    assert pairs.picture(FRAME, "picture") is None
    for sequence in range(MOST):
        pairs.faces((sequence + 100, 1.0), "faces")
    assert pairs.picture((100, 1.0), "picture") is None
