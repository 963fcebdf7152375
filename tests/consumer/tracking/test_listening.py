"""Which cameras count as silent: only while somebody could have heard them."""

import math

from ferstream.consumer.tracking.service.listening import Listening


def listen(cameras, start, seconds, lag_s=0.0, hearing=()):
    """Turns of half a second; the time after them."""
    for turn in range(2 * seconds):
        for camera_id in hearing:
            cameras.hear(camera_id)
        cameras.turn(start + turn / 2, lag_s)
    return start + seconds


def test_one_that_gives_nothing_falls_silent_once_and_is_forgotten_once():
    cameras = Listening(silent_after_s=5.0, forget_after_s=20.0)
    cameras.hear("door")
    now = listen(cameras, 100.0, 4, hearing=["yard"])
    assert cameras.fallen_silent() == []
    now = listen(cameras, now, 2, hearing=["yard"])
    assert (cameras.fallen_silent(), cameras.fallen_silent()) == (["door"], [])
    assert cameras.forgotten() == []
    now = listen(cameras, now, 20, hearing=["yard"])
    assert (cameras.forgotten(), cameras.forgotten(), cameras.cameras()) == (["door"], [], ["yard"])


def test_one_that_comes_back_can_fall_silent_again():
    cameras = Listening(silent_after_s=1.0, forget_after_s=60.0)
    cameras.hear("door")
    now = listen(cameras, 0.0, 3)
    assert cameras.fallen_silent() == ["door"]
    cameras.hear("door")
    assert cameras.fallen_silent() == []
    listen(cameras, now, 3)
    assert cameras.fallen_silent() == ["door"]


def test_nobody_is_silent_while_redis_is_away_or_old_results_are_caught_up_with():
    for lag_s in (math.inf, 30.0):
        cameras = Listening(silent_after_s=5.0, forget_after_s=20.0)
        cameras.hear("door")
        listen(cameras, 0.0, 60, lag_s=lag_s)
        assert cameras.fallen_silent() == []


def test_a_process_that_stood_still_heard_nothing():
    cameras = Listening(silent_after_s=5.0, forget_after_s=20.0)
    cameras.hear("door")
    now = listen(cameras, 0.0, 1)
    cameras.turn(now + 600, 0.0)
    assert cameras.fallen_silent() == []
