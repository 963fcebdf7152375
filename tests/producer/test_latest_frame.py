"""The frame-rate cap and the latest frame: the newest frame wins, and every frame that is replaced is counted with its reason."""

import threading
import time
from collections import Counter

import numpy as np
import pytest

from ferstream.producer.latest_frame import Captured, LatestFrame, Throttle
from tests.support.patience import PATIENCE

PICTURE = np.zeros((2, 2, 3), np.uint8)


def captured(number: int) -> Captured:
    return Captured(PICTURE, number, 0.0)


def test_throttle_keeps_to_its_grid():
    throttle, taken = Throttle(10), []
    for step in range(300):  # a camera of 30 frames a second with a jitter of 3 ms
        now = 100 + step / 30 + 0.003 * (step % 2)
        if now >= throttle.due_at:
            throttle.taken(now)
            taken.append(now)
    assert 99 <= len(taken) <= 101


def test_throttle_makes_up_for_half_an_interval_at_most():
    throttle = Throttle(10)
    throttle.taken(100.0)
    throttle.taken(200.0)  # after a pause of a minute
    assert throttle.due_at == pytest.approx(200.05)


def test_newest_wins_and_reasons_are_told():
    dropped, accepted = Counter(), []
    latest = LatestFrame(Throttle(5), lambda reason, frames: dropped.update({reason: frames}))
    for number in range(2):
        assert latest.put(captured(number), lambda: accepted.append(1))
    assert dropped == {"busy": 1}  # nothing was taken yet, and one was due
    assert latest.take(1).sequence == 1
    for number in range(2, 5):
        latest.put(captured(number), lambda: accepted.append(1))
    assert dropped == {"busy": 1, "rate": 2}
    start = time.monotonic()
    assert latest.take(0.01) is None  # not due yet
    assert latest.take(1).sequence == 4
    assert time.monotonic() - start < 0.5 * PATIENCE
    latest.put(captured(5), lambda: accepted.append(1))
    latest.close()
    assert not latest.put(captured(6), lambda: accepted.append(1))
    assert latest.take(1).sequence == 5  # closing hands over at once what is left
    assert latest.drained
    assert latest.take(1) is None
    assert len(accepted) == 6


def test_without_throttle_the_giver_waits():
    got = []
    latest = LatestFrame(None, lambda reason, frames: got.append(reason))

    def give() -> None:
        for number in range(20):
            latest.put(captured(number), lambda: None)
        latest.close()

    thread = threading.Thread(target=give)
    thread.start()
    while not latest.drained:
        frame = latest.take(1)
        if frame:
            got.append(frame.sequence)
            time.sleep(0.002)
    thread.join()
    assert got == list(range(20))
