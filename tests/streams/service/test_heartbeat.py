import pytest

from ferstream.streams.service.heartbeat import Heartbeat, LoopWatch


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock():
    return Clock()


def watched(clock, *names):
    beats = {name: Heartbeat(clock) for name in names}
    for beat in beats.values():
        beat.beat()
    return beats, LoopWatch({name: beat.silent_s for name, beat in beats.items()}, 15.0, clock)


def pass_time(clock, watch, seconds):
    """Asked every second, as a main loop does; what it said last."""
    for _ in range(seconds):
        clock.at += 1
        said = watch.problem()
    return said


def test_a_loop_that_hangs_is_named_and_one_that_rests_does_not_hang(clock):
    beats, watch = watched(clock, "the reader", "the publisher")
    beats["the reader"].rest()
    assert pass_time(clock, watch, 15) is None
    assert pass_time(clock, watch, 5) == "the publisher has not come round for 20 s"
    beats["the publisher"].beat()
    assert pass_time(clock, watch, 1) is None


def test_a_process_that_was_stopped_has_no_loop_that_hangs(clock):
    _, watch = watched(clock, "the reader")
    assert pass_time(clock, watch, 10) is None
    clock.at += 60
    assert pass_time(clock, watch, 15) is None
    assert pass_time(clock, watch, 5) is not None
